# SPDX-License-Identifier: GPL-2.0-or-later
"""A small module made by hand, whose functions are those that a patch replaces."""

from tests.support.made_object import ADDR64, NOTYPE, REL24, UNDEF, MadeObject
from tests.support.made_patch import BL, BLR, MFLR, NOP, TOC_SETUP, VERMAGIC, modinfo


def made_module(vermagic: str = VERMAGIC) -> MadeObject:
    """
    Return scsi_common with a leaf function, one with TOC set-up, and what can go wrong.

    In .text: leaf at 0, with_toc at 12, quiet at 32, twice at 36 and 48, silent at 60; in
    .init.text: early.
    """
    made = MadeObject()
    leaf = (MFLR, BL, BLR)
    text = made.text(".text", *leaf, *TOC_SETUP, *leaf, BLR, *leaf, *leaf, NOP, NOP, NOP, BLR)
    init = made.text(".init.text", *leaf)
    made.section(".modinfo", modinfo("name=scsi_common", f"vermagic={vermagic}"))
    made.symbol("int_to_scsilun", text, 0, 12)
    made.symbol("with_toc", text, 12, 20, other=0x60)
    made.symbol("quiet", text, 32, 4)
    made.symbol("twice", text, 36, 12)
    made.symbol("twice", text, 48, 12)
    made.symbol("silent", text, 60, 16)
    made.symbol("early", init, 0, 12)
    made.symbol("cloned", text, 12, 20, other=0x60)
    made.symbol("cloned.constprop.0", text, 48, 12)
    made.symbol("cloned.part.0", text, 48, 12)
    made.symbol("only.isra.0", text, 48, 12)
    made.symbol("data", made.section(".data", bytes(8)), 0, 8, kind=1)
    listed = made.section("__mcount_loc", bytes(40))
    mcount = made.symbol("_mcount", UNDEF, kind=NOTYPE)
    base = made.symbol("", text, kind=3)
    for number, site in enumerate((4, 24, 40, 52)):
        made.relocate(text, site, REL24, mcount)
        made.relocate(listed, 8 * number, ADDR64, base, site)
    made.relocate(init, 4, REL24, mcount)
    made.relocate(listed, 32, ADDR64, made.symbol("", init, kind=3), 4)
    return made
