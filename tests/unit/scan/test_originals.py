# SPDX-License-Identifier: GPL-2.0-or-later
"""The function that a klp_func replaces: where it is found, and what speaks against it."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from klp_debug.elf.object_file import ObjectFile
from klp_debug.result.address import Address
from klp_debug.result.scan import Original
from klp_debug.scan.census import take_census
from klp_debug.scan.hazard_log import HazardLog
from klp_debug.scan.module_data import KlpFunc
from klp_debug.scan.originals import check_original
from tests.support.made_dwarf import (
    INLINED_ONLY,
    Code,
    Unit,
    add_debug_info,
    copy_of,
    function,
    inlined,
)
from tests.support.made_module import made_module
from tests.support.made_object import ET_EXEC, NOTYPE, MadeObject
from tests.support.made_patch import BL, BLR, MFLR, NOP, TOC_SETUP

ADDRESS = 0xC000000000010000
RELEASE = 6, 1
DIALECT = "mprofile-kernel (2 instructions)"
LEAF_NOTE = "its site is at +0x4, behind no TOC set-up"


@dataclass
class Checked:
    """What came out."""

    original: Original | None
    hazards: list[tuple[str, str]]
    """Id and evidence."""


def check(
    path: Path,
    made: MadeObject,
    name: str,
    sympos: int = 0,
    release: tuple[int, int] | None = RELEASE,
) -> Checked:
    census = take_census(ObjectFile(made.write(path)))
    log = HazardLog()
    found = check_original(census, "subject", KlpFunc(name, sympos, None), release, log)
    assert all(one.subject == "subject" for one in log.found)
    return Checked(found, [(one.id, one.evidence) for one in log.found])


def in_module(path: Path, name: str, sympos: int = 0) -> Checked:
    return check(path / "scsi_common.ko", made_module(), name, sympos)


def test_a_function_of_a_module_as_its_file_has_it(tmp_path: Path) -> None:
    checked = in_module(tmp_path, "with_toc")
    assert checked.hazards == []
    assert checked.original == Original(
        section=".text", address=Address(12), kind="toc", toc_setup="r12", site=12, dialect=DIALECT
    )


@pytest.mark.parametrize(("sympos", "address"), [(1, 36), (2, 48)])
def test_the_position_chooses_of_several(tmp_path: Path, sympos: int, address: int) -> None:
    checked = in_module(tmp_path, "twice", sympos)
    assert checked.original is not None
    assert checked.original.address == address
    assert checked.hazards == [("original-leaf", LEAF_NOTE)]


@pytest.mark.parametrize("sympos", [0, 1])
def test_of_one_symbol_position_0_and_1_are_the_same(tmp_path: Path, sympos: int) -> None:
    checked = in_module(tmp_path, "with_toc", sympos)
    assert checked.original is not None
    assert (checked.original.address, checked.hazards) == (12, [])


@pytest.mark.parametrize(
    ("name", "sympos", "id_", "evidence"),
    [
        ("gone", 0, "original-missing", "scsi_common.ko has no symbol of that name"),
        ("gone", 1, "original-missing", "scsi_common.ko has no symbol of that name"),
        (
            "twice",
            0,
            "original-ambiguous",
            "scsi_common.ko has 1: .text 0x24; 2: .text 0x30",
        ),
        (
            "twice",
            3,
            "original-wrong-position",
            "old_sympos is 3, scsi_common.ko has 1: .text 0x24; 2: .text 0x30",
        ),
        (
            "with_toc",
            (1 << 64) - 1,
            "original-wrong-position",
            f"old_sympos is {(1 << 64) - 1}, scsi_common.ko has 1: .text 0xc",
        ),
    ],
)
def test_what_livepatch_would_not_find(
    tmp_path: Path, name: str, sympos: int, id_: str, evidence: str
) -> None:
    assert in_module(tmp_path, name, sympos) == Checked(None, [(id_, evidence)])


def test_of_very_many_symbols_sixteen_are_shown(tmp_path: Path) -> None:
    made = MadeObject()
    text = made.text(".text", *[NOP] * 32)
    for number in range(20):
        made.symbol("f", text, 4 * number, 4)
    ((_, evidence),) = check(tmp_path / "a.ko", made, "f").hazards
    assert evidence.endswith("; 16: .text 0x3c")


def test_a_function_without_a_site_is_told_and_shown(tmp_path: Path) -> None:
    checked = in_module(tmp_path, "silent")
    assert [id_ for id_, _ in checked.hazards] == ["original-without-site"]
    assert checked.original == Original(
        section=".text",
        address=Address(60),
        kind="notrace",
        toc_setup="none",
        site=None,
        dialect=None,
    )


def test_a_variable_is_no_function(tmp_path: Path) -> None:
    evidence = ".data 0x0 is the start of no function"
    assert in_module(tmp_path, "data") == Checked(None, [("original-without-site", evidence)])


@pytest.mark.parametrize(
    ("clones", "named"),
    [
        (["f.constprop.0", "f.isra.0"], "f.constprop.0, f.isra.0"),
        (["f.isra.0.constprop.1"], "f.isra.0.constprop.1"),
        # These are the function's own, not called instead of it.
        (["f.part.0", "f.cold", "f.isra.0.cold"], None),
        (["ff.isra.0"], None),
    ],
)
def test_clones_that_callers_call_instead(
    tmp_path: Path, clones: list[str], named: str | None
) -> None:
    made = MadeObject()
    text = made.text(".text", *TOC_SETUP, MFLR, BL, BLR, NOP)
    made.symbol("f", text, 0, 20, other=0x60)
    for clone in clones:
        made.symbol(clone, text, 20, 4)
    made.list_sites(text, 12)
    checked = check(tmp_path / "a.ko", made, "f")
    assert checked.original is not None
    assert checked.hazards == ([("original-has-clones", f"a.ko has {named}")] if named else [])


def test_copies_in_its_callers_are_told(tmp_path: Path) -> None:
    made = MadeObject()
    text = made.text(".text", *TOC_SETUP, MFLR, BL, BLR, NOP)
    made.symbol("f", text, 0, 20, other=0x60)
    made.list_sites(text, 12)
    f = function("f", inline=INLINED_ONLY)
    caller = function("g", Code(text, 20), inlined(f))
    add_debug_info(made, Unit(entries=[f, copy_of(f, Code(text, 0)), caller]))
    checked = check(tmp_path / "a.ko", made, "f")
    assert checked.hazards == [("original-also-inlined", "into g")]


@pytest.mark.parametrize(
    ("release", "id_", "evidence"),
    [
        (
            (4, 5),
            "original-leaf-crashes",
            "its site is at +0x4; the patch is for Linux 4.5",
        ),
        (
            (3, 19),
            "original-leaf-crashes",
            "its site is at +0x4; the patch is for Linux 3.19",
        ),
        ((4, 6), "original-leaf", LEAF_NOTE),
        ((4, 10), "original-leaf", LEAF_NOTE),
        ((10, 0), "original-leaf", LEAF_NOTE),
        (None, "original-leaf", LEAF_NOTE),
    ],
)
def test_a_leaf_of_a_module_crashes_before_4_6(
    tmp_path: Path, release: tuple[int, int] | None, id_: str, evidence: str
) -> None:
    checked = check(tmp_path / "a.ko", made_module(), "int_to_scsilun", release=release)
    assert checked.hazards == [(id_, evidence)]
    assert checked.original is not None
    assert (checked.original.kind, checked.original.site) == ("leaf", 4)


def test_code_without_toc_has_no_leaf_that_could_crash(tmp_path: Path) -> None:
    made = MadeObject()
    text = made.text(".text", MFLR, BL, BLR)
    made.symbol("f", text, 0, 12, other=0x20)
    made.list_sites(text, 4)
    checked = check(tmp_path / "a.ko", made, "f", release=(4, 5))
    assert checked.hazards == []
    assert checked.original is not None
    assert checked.original.toc_setup == "pcrel"


def test_a_site_at_the_entry_point_is_one(tmp_path: Path) -> None:
    """As an out-of-line stub has it: a single nop."""
    made = MadeObject()
    text = made.text(".text", NOP, MFLR, BLR)
    made.symbol("f", text, 0, 12, other=0x20)
    made.list_sites(text, 0, name="__patchable_function_entries")
    checked = check(tmp_path / "a.ko", made, "f")
    assert checked.hazards == []
    assert checked.original is not None
    assert (checked.original.kind, checked.original.site) == ("leaf", 0)


def kernel(section: str) -> MadeObject:
    """Return a vmlinux with a leaf in a section, which has a site."""
    made = MadeObject(kind=ET_EXEC)
    text = made.text(section, NOP, MFLR, BL, BLR, address=ADDRESS)
    made.symbol("f", text, ADDRESS + 4, 12)
    listed = made.section(".data", (ADDRESS + 8).to_bytes(8, "little"), address=ADDRESS + 0x1000)
    for end, at in (("start", 0x1000), ("stop", 0x1008)):
        made.symbol(f"__{end}_mcount_loc", listed, ADDRESS + at, kind=NOTYPE)
    return made


def test_a_leaf_of_vmlinux_is_reached_without_r2(tmp_path: Path) -> None:
    checked = check(tmp_path / "vmlinux", kernel(".text"), "f", release=(4, 5))
    assert checked == Checked(
        Original(
            section=".text",
            address=Address(ADDRESS + 4),
            kind="leaf",
            toc_setup="none",
            site=4,
            dialect=DIALECT,
        ),
        [],
    )


@pytest.mark.parametrize("section", [".init.text", ".exit.text", ".init.text.hot"])
def test_what_vmlinux_frees_cannot_be_replaced(tmp_path: Path, section: str) -> None:
    checked = check(tmp_path / "vmlinux", kernel(section), "f")
    assert checked.hazards == [("original-in-init-text", f"it is in {section}")]
    assert checked.original is not None


def test_a_module_keeps_its_init_text(tmp_path: Path) -> None:
    checked = in_module(tmp_path, "early")
    assert checked.hazards == [("original-leaf", LEAF_NOTE)]
    assert checked.original is not None
    assert checked.original.section == ".init.text"
