# SPDX-License-Identifier: GPL-2.0-or-later
"""The text of ``func``."""

import dataclasses
from typing import Literal

import pytest

from klp_debug.render.as_text import as_text
from klp_debug.result.address import Address
from klp_debug.result.problem import Problem
from tests.support.answers.func import (
    ENTRY,
    MFLR,
    PATCHED,
    RECORD,
    UNPATCHED,
)
from tests.support.answers.kernel import HEAD


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
