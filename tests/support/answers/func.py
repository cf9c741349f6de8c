# SPDX-License-Identifier: GPL-2.0-or-later
"""Answers of ``func`` built by hand."""

import dataclasses

from klp_debug.result.address import Address, Word
from klp_debug.result.function import EntryPoints, Function, Hop, Line, McountSite, Record, Winner
from tests.support.answers.kernel import KERNEL

ENTRY = EntryPoints(
    Address(0xC0080000001401E0), Address(0xC0080000001401E0), toc_setup="none", toc=None
)
SITE = McountSite(
    address=Address(0xC0080000001401E4),
    offset=4,
    state="armed",
    word=Word(0x4800045D),
    target=Address(0xC008000000140640),
    target_symbol=None,
    dialect="mprofile-kernel (2 instructions)",
)
RECORD = Record(
    address=Address(0xC000000002F00060),
    ip=SITE.address,
    flags=("ENABLED", "IPMODIFY"),
    flags_word=Address(0x84000001),
    users=1,
    ool_stub=None,
    agrees=True,
)
MFLR = Line(
    Address(0xC0080000001401E0),
    (Word(0x7C0802A6),),
    "mflr",
    "r0",
    ("global and local entry point",),
)
BL = Line(SITE.address, (SITE.word,), "bl", "0xc008000000140640", ("mcount site, +0x4", "armed"))
PLD = Line(Address(0xC0080000001401E8), (Word(0x04100000), Word(0xE5800020)), "pld", "r12, 32", ())
SITE_HOP = Hop("site", SITE.address, "int_to_scsilun+0x4", True, "4800045d", "bl", None)
STUB_HOP = Hop("stub", Address(0xC008000000140640), None, False, "e98d0010", "leads away", None)
UNPATCHED = Function(
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
    replacement=(Line(Address(0xC008000000230000), (Word(0x60000000),), "nop", "", ()),),
    runs="patched [leaf_patch]",
)
