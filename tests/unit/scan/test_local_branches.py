# SPDX-License-Identifier: GPL-2.0-or-later
"""Branches into the middle of a function that the module loader moves."""

from pathlib import Path

import pytest

from klp_debug.elf.object_file import ObjectFile
from klp_debug.scan.hazard_log import HazardLog
from klp_debug.scan.local_branches import check_local_branches
from klp_debug.scan.scan import Scanner
from tests.support.made_object import (
    ADDR64,
    FUNC,
    LIVEPATCH,
    REL24,
    SECTION,
    UNDEF,
    MadeObject,
)
from tests.support.made_patch import BLR, MFLR, NOP, TOC_SETUP, B

LOCAL_ENTRY_AT_8 = 0x60
"""``st_other`` of a function with TOC set-up."""


def branching(
    *,
    addend: int = 0x10,
    other: int = LOCAL_ENTRY_AT_8,
    type_: int = REL24,
    section: int | None = None,
    kind: int = FUNC,
) -> MadeObject:
    """Return a module whose .fixup branches back into a function, as after a fault."""
    made = MadeObject()
    made.section(".gnu.linkonce.this_module", bytes(64))
    text = made.text(".text.cmpxchg", *TOC_SETUP, MFLR, NOP, NOP, BLR)
    fixup = made.text(".fixup", NOP, B)
    to = text if section is None else section
    target = made.symbol("cmpxchg", to, 0, 24, kind=kind, other=other)
    made.relocate(fixup, 4, type_, target, addend)
    return made


def noted(path: Path, made: MadeObject) -> list[tuple[str, str, str]]:
    log = HazardLog()
    check_local_branches(ObjectFile(made.write(path)), log)
    return [(one.id, one.subject, one.evidence) for one in log.found]


def test_a_branch_of_fixup_lands_8_bytes_too_far(tmp_path: Path) -> None:
    evidence = "a branch to cmpxchg+0x10 will go to cmpxchg+0x18"
    assert noted(tmp_path / "p.ko", branching()) == [("branch-too-far", ".fixup+0x4", evidence)]


def test_the_offset_is_what_the_symbol_says(tmp_path: Path) -> None:
    ((_, _, evidence),) = noted(tmp_path / "p.ko", branching(addend=-4, other=0x80))
    assert evidence == "a branch to cmpxchg-0x4 will go to cmpxchg+0xc"


@pytest.mark.parametrize(
    "made",
    [
        branching(addend=0),
        # A leaf; a function of POWER10's code without TOC.
        branching(other=0),
        branching(other=0x20),
        branching(section=UNDEF),
        branching(section=LIVEPATCH),
        # The assembler's own way.
        branching(other=0, kind=SECTION),
        branching(type_=ADDR64),
    ],
    ids=["a call", "leaf", "no TOC", "undefined", "livepatch's", "by section", "no branch"],
)
def test_other_branches_land_where_they_are_to(tmp_path: Path, made: MadeObject) -> None:
    assert noted(tmp_path / "p.ko", made) == []


def test_scan_says_so_of_a_module_but_not_of_what_a_linker_still_takes(tmp_path: Path) -> None:
    path = branching().write(tmp_path / "p.ko")
    (hazard,) = Scanner().scan([path], "error", lambda name: None).hazards
    assert (hazard.id, hazard.level) == ("branch-too-far", "error")
    made = MadeObject()
    text = made.text(".text", *TOC_SETUP, B, BLR)
    made.relocate(text, 8, REL24, made.symbol("f", text, 0, 16, other=LOCAL_ENTRY_AT_8), 12)
    assert Scanner().scan([made.write(tmp_path / "a.o")], "note", print).hazards == ()


def test_of_very_many_64_are_told(tmp_path: Path) -> None:
    made = MadeObject()
    text = made.text(".text", *TOC_SETUP, *[B] * 100)
    target = made.symbol("f", text, 0, 408, other=LOCAL_ENTRY_AT_8)
    for number in range(100):
        made.relocate(text, 8 + 4 * number, REL24, target, 4)
    assert len(noted(tmp_path / "p.ko", made)) == 64
