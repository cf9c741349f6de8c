# SPDX-License-Identifier: GPL-2.0-or-later
"""Relocations that livepatch itself applies: which it refuses, and which come too late."""

import struct
from pathlib import Path

import pytest

from klp_debug.elf.object_file import ObjectFile
from klp_debug.scan.census import Census, take_census
from klp_debug.scan.hazard_log import HazardLog
from klp_debug.scan.relocations import (
    LateRelocations,
    check_livepatch_relocations,
    check_reloads,
    is_numbered,
    looked_up,
    object_of,
)
from tests.support.made_module import made_module
from tests.support.made_object import (
    ABS,
    ADDR64,
    ALLOC,
    LIVEPATCH,
    NOTYPE,
    REL16_HA,
    REL16_LO,
    REL24,
    REL32,
    RELA,
    RELA_LIVEPATCH,
    SECTION,
    TOC16_DS,
    TOC16_HA,
    UNDEF,
    MadeObject,
)
from tests.support.made_patch import BLR, NOP

QUIET = ".klp.sym.scsi_common.quiet,0"
PCREL34 = 132

Noted = list[tuple[str, str, str]]


@pytest.fixture
def module(tmp_path: Path) -> Census:
    return take_census(ObjectFile(made_module().write(tmp_path / "scsi_common.ko")))


def noted(path: Path, made: MadeObject, module: Census | None = None) -> Noted:
    """Return id, subject and evidence of what is said of a file's relocations."""
    log = HazardLog()
    known = {"scsi_common": module}
    check_livepatch_relocations(ObjectFile(made.write(path)), known.get, log)
    return [(one.id, one.subject, one.evidence) for one in log.found]


def relocating(
    name: str,
    type_: int = ADDR64,
    *,
    for_object: str = "scsi_common",
    section: int = LIVEPATCH,
    offset: int = 0,
) -> MadeObject:
    """Return a file with one relocation that livepatch is to apply to its section d."""
    made = MadeObject()
    data = made.section("d", bytes(16))
    made.relocate(data, offset, type_, made.symbol(name, section, kind=NOTYPE), klp=for_object)
    return made


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (".klp.rela.vmlinux..text", "vmlinux"),
        (".klp.rela.scsi_common.d", "scsi_common"),
        (".klp.rela.a.b\nc", "a"),
        (f".klp.rela.{'m' * 55}.d", "m" * 55),
        (f".klp.rela.{'m' * 56}.d", None),
        (".klp.rela..text", None),
        (".klp.rela.vmlinux.", None),
        (".klp.rela.vmlinux", None),
        (".rela.text", None),
        ("x.klp.rela.vmlinux.d", None),
        ("", None),
    ],
)
def test_a_sections_name_says_for_which_object_it_is(
    tmp_path: Path, name: str, expected: str | None
) -> None:
    """A module's name has at most 55 characters: MODULE_NAME_LEN."""
    made = MadeObject()
    made.section(name, b"", RELA_LIVEPATCH)
    section = ObjectFile(made.write(tmp_path / "a.ko")).sections[1]
    assert section.name == name
    assert object_of(section) == expected


def test_a_file_without_such_relocations_has_no_fault(tmp_path: Path) -> None:
    made = made_module()
    assert noted(tmp_path / "a.ko", made) == []


@pytest.mark.parametrize("position", ["quiet,0", "quiet,1", "twice,2", "quiet,0 \n"])
def test_a_symbol_that_livepatch_finds(tmp_path: Path, module: Census, position: str) -> None:
    assert noted(tmp_path / "p.ko", relocating(f".klp.sym.scsi_common.{position}"), module) == []


@pytest.mark.parametrize(
    ("symbol", "evidence"),
    [
        ("gone,0", "scsi_common.ko has none of that name"),
        ("qui,0", "scsi_common.ko has none of that name"),
        ("quiet,2", "scsi_common.ko has 1: .text 0x20"),
        ("twice,0", "scsi_common.ko has 1: .text 0x24; 2: .text 0x30"),
        ("twice,3", "scsi_common.ko has 1: .text 0x24; 2: .text 0x30"),
        ("quiet,99999999999999999999999", "scsi_common.ko has 1: .text 0x20"),
    ],
)
def test_a_symbol_that_livepatch_does_not_find(
    tmp_path: Path, module: Census, symbol: str, evidence: str
) -> None:
    name = f".klp.sym.scsi_common.{symbol}"
    made = relocating(name)
    assert noted(tmp_path / "p.ko", made, module) == [("klp-symbol-not-found", name, evidence)]
    assert noted(tmp_path / "p.ko", made) == []


@pytest.mark.parametrize("section", [UNDEF, ABS, 1])
def test_a_symbol_is_to_be_marked(tmp_path: Path, section: int) -> None:
    rule = "the symbol is not marked as a livepatch symbol"
    assert noted(tmp_path / "p.ko", relocating(QUIET, section=section)) == [
        ("klp-relocation-refused", f".klp.rela.scsi_common.d {QUIET}", rule)
    ]


def test_a_symbol_beyond_the_table_is_not_marked(tmp_path: Path) -> None:
    made = MadeObject()
    made.relocate(made.section("d", bytes(16)), 0, ADDR64, 4096, klp="scsi_common")
    rule = "the symbol is not marked as a livepatch symbol"
    subject = ".klp.rela.scsi_common.d symbol 4096"
    assert noted(tmp_path / "p.ko", made) == [("klp-relocation-refused", subject, rule)]


@pytest.mark.parametrize(
    "name",
    [
        "quiet",
        ".klp.sym.scsi_common",
        ".klp.sym.scsi_common.quiet",
        ".klp.sym.scsi_common.quiet,",
        ".klp.sym.scsi_common.quiet,x",
        ".klp.sym.scsi_common.,0",
        ".klp.sym..quiet,0",
        f".klp.sym.{'m' * 56}.quiet,0",
        f".klp.sym.scsi_common.{'q' * 512},0",
    ],
)
def test_a_symbols_name_has_object_name_and_position(
    tmp_path: Path, module: Census, name: str
) -> None:
    rule = "the symbol's name is not .klp.sym.OBJECT.NAME,POSITION"
    assert noted(tmp_path / "p.ko", relocating(name), module) == [
        ("klp-relocation-refused", f".klp.rela.scsi_common.d {name}", rule)
    ]


def test_a_modules_relocation_may_not_use_a_symbol_of_vmlinux(tmp_path: Path) -> None:
    name = ".klp.sym.vmlinux.f,0"
    rule = "a relocation for scsi_common may not use one of vmlinux"
    refused = [("klp-relocation-refused", f".klp.rela.scsi_common.d {name}", rule)]
    assert noted(tmp_path / "p.ko", relocating(name)) == refused
    assert noted(tmp_path / "p.ko", relocating(name, for_object="vmlinux")) == []


def test_the_name_of_the_section_is_to_have_an_object(tmp_path: Path) -> None:
    made = MadeObject()
    made.section(".klp.rela.vmlinux", bytes(24), RELA_LIVEPATCH, RELA)
    rule = "the section's name is not .klp.rela.OBJECT.SECTION"
    assert noted(tmp_path / "p.ko", made) == [("klp-relocation-refused", ".klp.rela.vmlinux", rule)]


@pytest.mark.parametrize(
    ("type_", "for_object", "said"),
    [
        (ADDR64, "vmlinux", None),
        (REL24, "vmlinux", None),
        (REL32, "scsi_common", None),
        (TOC16_HA, "scsi_common", None),
        (REL32, "vmlinux", "R_PPC64_REL32"),
        (TOC16_HA, "vmlinux", "R_PPC64_TOC16_HA"),
        (REL16_HA, "vmlinux", "R_PPC64_REL16_HA"),
        (REL16_LO, "vmlinux", "R_PPC64_REL16_LO"),
        (PCREL34, "vmlinux", "R_PPC64_PCREL34"),
        (TOC16_DS, "scsi_common", "R_PPC64_TOC16_DS"),
        (TOC16_DS, "vmlinux", "R_PPC64_TOC16_DS"),
        (0xFFFF, "vmlinux", None),
    ],
)
def test_another_object_may_be_out_of_reach(
    tmp_path: Path, type_: int, for_object: str, said: str | None
) -> None:
    name = f".klp.sym.{for_object}.f,0"
    made = relocating(name, type_, for_object=for_object, offset=8)
    subject = f".klp.rela.{for_object}.d {name}"
    expected = [("klp-relocation-out-of-range", subject, f"{said} at +0x8")] if said else []
    assert noted(tmp_path / "p.ko", made) == expected


@pytest.mark.parametrize("wanted", [".TOC.", ".toc", "TOC.", ".LC0", ".LC"])
def test_a_toc_is_no_symbol_of_another_object(tmp_path: Path, module: Census, wanted: str) -> None:
    name = f".klp.sym.scsi_common.{wanted},0"
    assert noted(tmp_path / "p.ko", relocating(name), module) == [
        ("klp-toc-symbol", name, "in .klp.rela.scsi_common.d")
    ]


@pytest.mark.parametrize(
    ("wanted", "is_local"),
    [
        ("count.17", True),
        ("__key.0", True),
        ("count.", False),
        ("count", False),
        ("f.isra.0", False),
        ("f.constprop.12", False),
        ("f.part.0", False),
        ("f.cold.3", False),
        ("f.isra.0.llvm.5", False),
        ("f.llvm.123456", False),
    ],
)
def test_a_static_local_has_a_number_of_the_compilers_choice(wanted: str, is_local: bool) -> None:
    assert is_numbered(wanted) is is_local


def test_the_symbols_that_livepatch_is_to_find(tmp_path: Path) -> None:
    made = relocating(".klp.sym.scsi_common.count.17,0")
    made.symbol(".klp.sym.scsi_common.quiet,1", LIVEPATCH, kind=NOTYPE)
    made.symbol(".klp.sym.vmlinux.quiet,1", LIVEPATCH, kind=NOTYPE)
    made.symbol(".klp.sym.ext4.undefined,1", UNDEF, kind=NOTYPE)
    made.symbol("other", LIVEPATCH, kind=NOTYPE)
    assert looked_up(ObjectFile(made.write(tmp_path / "p.ko"))) == {
        "scsi_common": {"count.17", "quiet"},
        "vmlinux": {"quiet"},
    }


def test_of_very_many_relocations_4096_are_looked_at(tmp_path: Path) -> None:
    good, bad = 1, 2
    rows = [struct.pack("<QIIq", 0, ADDR64, good, 0)] * 4095
    for more, expected in ((0, 1), (1, 0)):
        made = MadeObject()
        assert made.symbol(QUIET, LIVEPATCH, kind=NOTYPE) == good
        assert made.symbol("bad", LIVEPATCH, kind=NOTYPE) == bad
        table = [*rows, *rows[:more], struct.pack("<QIIq", 0, ADDR64, bad, 0)]
        made.section(".klp.rela.scsi_common.d", b"".join(table), RELA_LIVEPATCH | ALLOC, RELA)
        assert len(noted(tmp_path / "p.ko", made)) == expected


class Patch:
    """A patch with two functions: f of 16 bytes, and g behind it."""

    def __init__(self) -> None:
        self.made = MadeObject()
        self.text = self.made.text(".text", *[NOP] * 7, BLR)
        self.data = self.made.section("pointers", bytes(32))
        self.made.symbol("f", self.text, 0, 16)
        self.made.symbol("g", self.text, 16, 16)
        self.base = self.made.symbol("", self.data, kind=SECTION)

    def fill_in(self, section: int, offset: int, for_object: str, name: str = QUIET) -> None:
        symbol = self.made.symbol(name, LIVEPATCH, kind=NOTYPE)
        self.made.relocate(section, offset, ADDR64, symbol, klp=for_object)

    def late(self, path: Path, in_object: str, function: int = 0) -> list[str]:
        """Return the evidence of what comes late for a function that replaces one of IN_OBJECT."""
        census = take_census(ObjectFile(self.made.write(path)))
        log = HazardLog()
        LateRelocations(census).check("subject", in_object, function, log)
        assert all((one.id, one.subject) == ("klp-relocation-late", "subject") for one in log.found)
        return [one.evidence for one in log.found]


LATE = f"pointers+0x8, which is for other: {QUIET}"


@pytest.mark.parametrize("at", [0, 12])
def test_a_place_that_a_replacement_uses_may_be_filled_in_late(tmp_path: Path, at: int) -> None:
    patch = Patch()
    patch.fill_in(patch.data, 8, "other")
    patch.made.relocate(patch.text, at, TOC16_DS, patch.base, 8)
    assert patch.late(tmp_path / "p.ko", "vmlinux") == [f"f uses {LATE}"]
    assert patch.late(tmp_path / "p.ko", "other") == []
    assert patch.late(tmp_path / "p.ko", "vmlinux", function=1) == []


def test_a_place_behind_the_replacement_is_the_next_functions(tmp_path: Path) -> None:
    patch = Patch()
    patch.fill_in(patch.data, 8, "other")
    patch.made.relocate(patch.text, 16, TOC16_DS, patch.base, 8)
    assert patch.late(tmp_path / "p.ko", "vmlinux") == []
    assert patch.late(tmp_path / "p.ko", "vmlinux", function=1) == [f"g uses {LATE}"]


def test_another_place_of_the_section_is_no_reason(tmp_path: Path) -> None:
    patch = Patch()
    patch.fill_in(patch.data, 8, "other")
    patch.made.relocate(patch.text, 0, TOC16_DS, patch.base, 16)
    assert patch.late(tmp_path / "p.ko", "vmlinux") == []


def test_one_step_through_the_toc_is_followed_and_no_second(tmp_path: Path) -> None:
    patch = Patch()
    patch.fill_in(patch.data, 8, "other")
    toc = patch.made.section(".toc", bytes(16))
    entry = patch.made.symbol("", toc, kind=SECTION)
    patch.made.relocate(toc, 0, ADDR64, patch.base, 8)
    patch.made.relocate(toc, 8, ADDR64, entry, 0)
    patch.made.relocate(patch.text, 0, TOC16_DS, entry, 0)
    patch.made.relocate(patch.text, 16, TOC16_DS, entry, 8)
    assert patch.late(tmp_path / "p.ko", "vmlinux") == [f"f uses {LATE}"]
    assert patch.late(tmp_path / "p.ko", "vmlinux", function=1) == []


@pytest.mark.parametrize(("at", "function"), [(0, 0), (15, 0), (16, 1), (31, 1)])
def test_the_replacements_own_words_may_be_filled_in_late(
    tmp_path: Path, at: int, function: int
) -> None:
    patch = Patch()
    patch.fill_in(patch.text, at, "other")
    name = "fg"[function]
    evidence = f"{name} uses .text+{at:#x}, which is for other: {QUIET}"
    assert patch.late(tmp_path / "p.ko", "vmlinux", function) == [evidence]
    assert patch.late(tmp_path / "p.ko", "vmlinux", 1 - function) == []


def test_a_place_that_is_used_often_is_told_once(tmp_path: Path) -> None:
    patch = Patch()
    patch.fill_in(patch.data, 8, "other")
    for at in (0, 4, 8):
        patch.made.relocate(patch.text, at, TOC16_DS, patch.base, 8)
    assert patch.late(tmp_path / "p.ko", "vmlinux") == [f"f uses {LATE}"]


def test_each_place_is_told(tmp_path: Path) -> None:
    patch = Patch()
    for number, name in enumerate(("other", "third")):
        patch.fill_in(patch.data, 8 * number, name)
        patch.made.relocate(patch.text, 4 * number, TOC16_DS, patch.base, 8 * number)
    assert patch.late(tmp_path / "p.ko", "vmlinux") == [
        f"f uses pointers+0x0, which is for other: {QUIET}",
        f"f uses pointers+0x8, which is for third: {QUIET}",
    ]


def test_a_patch_without_such_relocations_has_none_late(tmp_path: Path) -> None:
    patch = Patch()
    patch.made.relocate(patch.text, 0, TOC16_DS, patch.base, 8)
    assert patch.late(tmp_path / "p.ko", "vmlinux") == []


def test_a_damaged_section_of_relocations_hides_no_other(tmp_path: Path) -> None:
    """Its rows are cut, its symbols and places are nowhere, and its name says no object."""
    patch = Patch()
    patch.fill_in(patch.data, 8, "other")
    patch.made.relocate(patch.text, 0, TOC16_DS, patch.base, 8)
    row = struct.pack("<QIIq", (1 << 64) - 8, ADDR64, 4096, 0)
    for name, data in ((".klp.rela.other.x", row + row[:9]), (".klp.rela.other", row)):
        patch.made.section(name, data, RELA_LIVEPATCH, RELA)
    assert patch.late(tmp_path / "p.ko", "vmlinux") == [f"f uses {LATE}"]


@pytest.mark.parametrize(
    ("release", "type_", "for_object", "is_refused"),
    [
        ((6, 2), REL24, "scsi_common", True),
        ((5, 14), REL24, "scsi_common", True),
        ((6, 3), REL24, "scsi_common", False),
        ((7, 2), REL24, "scsi_common", False),
        (None, REL24, "scsi_common", False),
        ((6, 2), ADDR64, "scsi_common", False),
        # It is never unloaded.
        ((6, 2), REL24, "vmlinux", False),
    ],
)
def test_a_module_whose_calls_livepatch_relocates_cannot_be_loaded_again(
    tmp_path: Path,
    release: tuple[int, int] | None,
    type_: int,
    for_object: str,
    is_refused: bool,
) -> None:
    made = MadeObject()
    text = made.text(".text", *[NOP] * 4)
    symbol = made.symbol(f".klp.sym.{for_object}.f,0", LIVEPATCH, kind=NOTYPE)
    for offset in (0, 8):
        made.relocate(text, offset, type_, symbol, klp=for_object)
    log = HazardLog()
    check_reloads(ObjectFile(made.write(tmp_path / "p.ko")), release, log)
    told = [(one.id, one.subject, one.evidence) for one in log.found]
    assert release is None or told == (
        [
            (
                "object-reload-refused",
                "scsi_common",
                "livepatch relocates 2 calls for it; the patch is for Linux"
                f" {release[0]}.{release[1]}",
            )
        ]
        if is_refused
        else []
    )
    assert bool(told) is is_refused
