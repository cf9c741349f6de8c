# SPDX-License-Identifier: GPL-2.0-or-later
"""The text of ``func``."""

import dataclasses
from typing import Literal

import pytest

from klp_debug.render.as_text import as_text
from klp_debug.result.address import Address, Word
from klp_debug.result.common import Problem
from klp_debug.result.func import (
    EntryResult,
    FuncReport,
    Hop,
    Line,
    RecordResult,
    SiteResult,
    Winner,
)
from tests.support.answers import HEAD, KERNEL

ENTRY = EntryResult(
    global_=Address(0xC0080000001401E0),
    local=Address(0xC0080000001401E0),
    toc_setup="none",
    toc=None,
)
SITE = SiteResult(
    address=Address(0xC0080000001401E4),
    offset=4,
    state="armed",
    word=Word(0x4800045D),
    target=Address(0xC008000000140640),
    target_symbol=None,
    dialect="mprofile-kernel (2 instructions)",
)
RECORD = RecordResult(
    address=Address(0xC000000002F00060),
    ip=SITE.address,
    flags=("ENABLED", "IPMODIFY"),
    flags_word=Address(0x84000001),
    users=1,
    ool_stub=None,
    agrees=True,
)
MFLR = Line(
    address=Address(0xC0080000001401E0),
    words=(Word(0x7C0802A6),),
    mnemonic="mflr",
    operands="r0",
    notes=("global and local entry point",),
)
BL = Line(
    address=SITE.address,
    words=(SITE.word,),
    mnemonic="bl",
    operands="0xc008000000140640",
    notes=("mcount site, +0x4", "armed"),
)
PLD = Line(
    address=Address(0xC0080000001401E8),
    words=(Word(0x04100000), Word(0xE5800020)),
    mnemonic="pld",
    operands="r12, 32",
    notes=(),
)
SITE_HOP = Hop(
    kind="site",
    address=SITE.address,
    symbol="int_to_scsilun+0x4",
    ok=True,
    bytes="4800045d",
    what="bl",
    next=None,
)
STUB_HOP = Hop(
    kind="stub",
    address=Address(0xC008000000140640),
    symbol=None,
    ok=False,
    bytes="e98d0010",
    what="leads away",
    next=None,
)

UNPATCHED = FuncReport(
    kernel=KERNEL,
    name="int_to_scsilun",
    module="scsi_common",
    address=ENTRY.global_,
    size=56,
    entry=ENTRY,
    leaf_without_toc=True,
    site=dataclasses.replace(SITE, state="idle", target=None),
    no_site=None,
    record=dataclasses.replace(RECORD, flags=(), users=0),
    listing=(MFLR, BL),
    chain=(),
    winner=None,
    replacement=(),
    replacement_entry=None,
    runs="itself: its mcount site is idle",
    problems=(),
)
PATCHED = dataclasses.replace(
    UNPATCHED,
    site=SITE,
    record=RECORD,
    listing=(MFLR, BL, PLD),
    chain=(SITE_HOP, STUB_HOP),
    winner=Winner("leaf_patch", Address(0xC008000000230000), "patched"),
    replacement=(
        Line(
            address=Address(0xC008000000230000),
            words=(Word(0x60000000),),
            mnemonic="nop",
            operands="",
            notes=(),
        ),
    ),
    runs="patched [leaf_patch]",
)


def test_unpatched() -> None:
    assert (
        as_text(UNPATCHED)
        == f"""\
{HEAD}
int_to_scsilun [scsi_common]  c0080000001401e0, 56 bytes
leaf function: sets no TOC before its mcount site, so r2 there is its caller's
runs  itself: its mcount site is idle

     c0080000001401e0  7c0802a6  mflr  r0                  global and local entry point
 ->  c0080000001401e4  4800045d  bl    0xc008000000140640  mcount site, +0x4, armed

site    +0x4, idle, mprofile-kernel (2 instructions)
record  no flags, 0 users; agrees with the word"""
    )


def test_patched() -> None:
    """A prefixed instruction has two words; a broken link of the chain says so."""
    assert (
        as_text(PATCHED)
        == f"""\
{HEAD}
int_to_scsilun [scsi_common]  c0080000001401e0, 56 bytes
leaf function: sets no TOC before its mcount site, so r2 there is its caller's
runs  patched [leaf_patch]

     c0080000001401e0  7c0802a6           mflr  r0                  global and local entry point
 ->  c0080000001401e4  4800045d           bl    0xc008000000140640  mcount site, +0x4, armed
     c0080000001401e8  04100000 e5800020  pld   r12, 32

site    +0x4, armed, mprofile-kernel (2 instructions) -> 0xc008000000140640
record  ENABLED IPMODIFY, 1 user; agrees with the word
chain   site  ok      c0080000001401e4  int_to_scsilun+0x4: bl  4800045d
        stub  BROKEN  c008000000140640  leads away              e98d0010

patched  c008000000230000
     c008000000230000  60000000  nop"""
    )


@pytest.mark.parametrize(
    ("toc_setup", "leaf", "said"),
    [
        (
            "r12",
            False,
            "sets its TOC from r12 at its global entry point = c000000000798000",
        ),
        (
            "absolute",
            False,
            "sets its TOC to a constant at its global entry point = c000000000798000",
        ),
        ("pcrel", False, "addresses its data relative to the PC: needs no TOC"),
        ("none", False, "sets no TOC: in r2 is its caller's"),
    ],
)
def test_toc(toc_setup: Literal["r12", "absolute", "pcrel", "none"], leaf: bool, said: str) -> None:
    entry = dataclasses.replace(ENTRY, toc_setup=toc_setup, toc=Address(0xC000000000798000))
    answer = dataclasses.replace(PATCHED, entry=entry, leaf_without_toc=leaf)
    assert as_text(answer).splitlines()[4] == said


def test_no_site() -> None:
    """Nobody calls it a leaf function's site then, since there is none."""
    answer = dataclasses.replace(
        UNPATCHED,
        module=None,
        site=None,
        no_site="it is notrace",
        record=None,
        listing=(MFLR,),
        problems=(Problem("x", "y"),),
    )
    assert (
        as_text(answer)
        == f"""\
{HEAD}
int_to_scsilun  c0080000001401e0, 56 bytes
sets no TOC: in r2 is its caller's
runs  itself: its mcount site is idle

     c0080000001401e0  7c0802a6  mflr  r0  global and local entry point

site    none: it is notrace; it can be neither traced nor patched
record  none: ftrace does not know this function

problems
    x: y"""
    )


def test_a_record_that_disagrees() -> None:
    record = dataclasses.replace(RECORD, agrees=False, users=2)
    text = as_text(dataclasses.replace(UNPATCHED, record=record))
    assert text.endswith("record  ENABLED IPMODIFY, 2 users; DISAGREES with the word at the site")


def test_hostile_names() -> None:
    answer = dataclasses.replace(UNPATCHED, name="\x1b[2J", module="\n", runs="\x07")
    text = as_text(answer)
    assert "\n\\x1b[2J [\\n]  c0080000001401e0, 56 bytes\n" in text
    assert "\nruns  \\x07\n" in text
