# SPDX-License-Identifier: GPL-2.0-or-later
"""Answers of ``func`` built by hand."""

import dataclasses

from klp_debug.result.address import Address, Word
from klp_debug.result.common import Problem
from klp_debug.result.func import (
    EntryResult,
    FuncReport,
    Hop,
    Line,
    Namesake,
    RecordResult,
    SiteResult,
    Winner,
)
from klp_debug.result.unknown import Unknown
from tests.support.answers.kernel import KERNEL

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
    namesakes=(),
    in_patch=None,
    aliases=(),
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

UNREAD = Unknown("text of int_to_scsilun: page 0x3ee0000 is not in the dump")
_PROBLEM = Problem("text of int_to_scsilun", "page 0x3ee0000 is not in the dump")
UNKNOWN = dataclasses.replace(
    UNPATCHED,
    namesakes=(Namesake("kpatch_mod", Address(0xC008000000300000)), UNREAD),
    in_patch=UNREAD,
    entry=dataclasses.replace(ENTRY, toc_setup=UNREAD, toc=UNREAD),
    leaf_without_toc=UNREAD,
    site=UNREAD,
    no_site=UNREAD,
    record=UNREAD,
    listing=(UNREAD,),
    chain=(UNREAD,),
    winner=UNREAD,
    replacement=(UNREAD,),
    replacement_entry=UNREAD,
    runs=UNREAD,
    problems=(_PROBLEM,),
)
"""Nothing but its symbol could be read."""
CUT = dataclasses.replace(
    PATCHED,
    site=dataclasses.replace(SITE, target_symbol=UNREAD),
    record=dataclasses.replace(RECORD, agrees=UNREAD),
    chain=(
        SITE_HOP,
        dataclasses.replace(STUB_HOP, symbol=UNREAD, ok=UNREAD, bytes=UNREAD, next=UNREAD),
        UNREAD,
    ),
    winner=Winner(UNREAD, Address(0xC008000000230000), UNREAD),
    replacement=(*PATCHED.replacement, UNREAD),
    runs=UNREAD,
    problems=(_PROBLEM,),
)
"""Its chain could be read for a part, and no symbol."""
