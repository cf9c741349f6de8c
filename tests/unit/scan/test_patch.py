# SPDX-License-Identifier: GPL-2.0-or-later
"""A livepatch module as a whole: what it will replace, by which structures, in which objects."""

import struct
from dataclasses import dataclass
from pathlib import Path

import pytest

from klp_debug.elf.object_file import ObjectFile
from klp_debug.result.scan import PredictedFunction
from klp_debug.scan.against import Against
from klp_debug.scan.census import take_census
from klp_debug.scan.hazard_log import HazardLog
from klp_debug.scan.modinfo import modinfo_of
from klp_debug.scan.patch import check_patch
from tests.support.made_dwarf import Entry, Unit, add_debug_info, structure
from tests.support.made_module import made_module
from tests.support.made_object import (
    ABS,
    ADDR64,
    ALLOC,
    ET_EXEC,
    FUNC,
    LIVEPATCH,
    NOTYPE,
    SECTION,
    UNDEF,
    WRITE,
    MadeObject,
)
from tests.support.made_patch import (
    BL,
    BLR,
    FUNC_SIZE,
    MFLR,
    OBJECT_SIZE,
    VERMAGIC,
    Func,
    made_patch,
    modinfo,
)
from tests.support.trampoline_words import BROKEN, MENDED

ADDRESS = 0xC000000000010000
MARKED = ("livepatch=Y", "name=p", f"vermagic={VERMAGIC}")


@dataclass
class Checked:
    """What came out."""

    predicted: tuple[PredictedFunction, ...] | None
    hazards: list[tuple[str, str, str]]
    """Id, subject and evidence."""

    @property
    def functions(self) -> list[tuple[str, str, int]]:
        """Object, name and position of each function that is to be replaced."""
        assert self.predicted is not None
        return [(one.object, one.old_name, one.sympos) for one in self.predicted]

    @property
    def ids(self) -> list[str]:
        return [id_ for id_, _, _ in self.hazards]


def check(folder: Path, made: MadeObject, *against: Path) -> Checked:
    census = take_census(ObjectFile(made.write(folder / "p.ko")))
    log = HazardLog()
    predicted = check_patch(census, modinfo_of(census.obj), Against(against), log)
    return Checked(predicted, [(one.id, one.subject, one.evidence) for one in log.found])


@pytest.fixture
def module(tmp_path: Path) -> Path:
    return made_module().write(tmp_path / "scsi_common.ko")


def kernel(path: Path, *words: int, at: int = 0, section: int = 1, version: str = "") -> Path:
    """Write a vmlinux whose ftrace_caller is of these words."""
    made = MadeObject(kind=ET_EXEC)
    made.text(".text", *words, address=ADDRESS)
    if words:
        made.symbol("ftrace_caller", section, ADDRESS + at, 4)
    if version:
        data = made.section(".rodata", version.encode() + b"\0", address=ADDRESS + 0x1000)
        made.symbol("vermagic", data, ADDRESS + 0x1000, kind=NOTYPE)
    return made.write(path)


def test_an_ordinary_module_is_no_patch(tmp_path: Path) -> None:
    assert check(tmp_path, made_module()) == Checked(None, [])
    assert check(tmp_path, MadeObject()) == Checked(None, [])


def test_a_module_with_parameters_of_its_own_kind_is_no_patch(tmp_path: Path) -> None:
    """A kernel_param has THIS_MODULE before its ops, as a klp_patch has it before its objects."""
    made = MadeObject()
    text = made.text(".text", MFLR, BLR)
    this_module = made.section(".gnu.linkonce.this_module", bytes(64))
    ops = made.section(".rodata", bytes(32))
    param = made.section("__param", bytes(40))
    for section, at, target in (
        (param, 8, this_module),
        (param, 16, ops),
        (ops, 8, text),
        (ops, 16, text),
    ):
        made.relocate(section, at, ADDR64, made.symbol("", target, kind=SECTION))
    assert check(tmp_path, made) == Checked(None, [])


def test_a_patch_without_fault(tmp_path: Path, module: Path) -> None:
    checked = check(tmp_path, made_patch({"scsi_common": [Func("with_toc")]}), module)
    assert checked.hazards == []
    assert checked.predicted is not None
    (one,) = checked.predicted
    assert (one.object, one.old_name, one.sympos) == ("scsi_common", "with_toc", 0)
    assert one.original is not None
    assert one.original.address == 12
    assert one.replacement is not None
    assert one.replacement.name == "replacement"


def test_all_functions_of_all_objects_are_predicted_in_their_order(
    tmp_path: Path, module: Path
) -> None:
    made = made_patch(
        {"scsi_common": [Func("twice", sympos=2), Func("with_toc")], None: [Func("f")]}
    )
    checked = check(tmp_path, made, module)
    assert checked.functions == [
        ("scsi_common", "twice", 2),
        ("scsi_common", "with_toc", 0),
        ("vmlinux", "f", 0),
    ]
    evidence = "1 of its functions is to be replaced"
    assert checked.hazards == [
        ("object-not-given", "vmlinux", evidence),
        ("original-leaf", "twice,2 [scsi_common]", "its site is at +0x4, behind no TOC set-up"),
    ]


def test_of_an_object_that_was_not_given_only_the_replacements_are_checked(tmp_path: Path) -> None:
    made = made_patch({"scsi_common": [Func("f", None), Func("g")]})
    checked = check(tmp_path, made)
    assert checked.hazards == [
        ("object-not-given", "scsi_common", "2 of its functions are to be replaced"),
        ("replacement-missing", "f [scsi_common]", "new_func is NULL, or outside the module"),
    ]
    assert checked.predicted is not None
    assert [one.original for one in checked.predicted] == [None, None]
    assert [one.replacement is None for one in checked.predicted] == [True, False]


@pytest.mark.parametrize("name", ["vmlinux", "scsi-common", "-"])
def test_an_object_of_a_name_that_no_module_has_is_not_even_sought(
    tmp_path: Path, module: Path, name: str
) -> None:
    vmlinux = kernel(tmp_path / "vmlinux")
    checked = check(tmp_path, made_patch({name: [Func("f")]}), module, vmlinux)
    evidence = f'the klp_object is named "{name}"'
    assert checked.hazards == [("object-never-patched", name, evidence)]
    assert checked.functions == [(name, "f", 0)]


def test_a_patch_that_is_not_marked_is_told_by_its_data(tmp_path: Path, module: Path) -> None:
    made = made_patch({"scsi_common": [Func("with_toc"), Func("twice", sympos=1)]}, info=MARKED[1:])
    checked = check(tmp_path, made, module)
    told = checked.hazards[0]
    assert told == ("not-marked-livepatch", ".modinfo", "it would replace with_toc, twice")
    assert len(checked.functions) == 2


@pytest.mark.parametrize(
    ("section", "says"),
    [
        (".init.klp_objects", "klp-build made it, and its .init.klp_objects has no object"),
        (".data", "nothing in its data leads to the name of a function and its replacement"),
    ],
)
def test_a_patch_that_is_marked_may_have_no_data(tmp_path: Path, section: str, says: str) -> None:
    made = MadeObject()
    made.section(".modinfo", modinfo(*MARKED))
    made.section(section, bytes(16))
    assert check(tmp_path, made) == Checked((), [("no-klp-patch", "klp_patch", says)])


def test_rows_of_kpatch_build_are_objects_too(tmp_path: Path, module: Path) -> None:
    made = made_patch({"scsi_common": [Func("with_toc")]})
    names = made.symbol("", made.section(".names", b"twice\0scsi_common\0"), kind=SECTION)
    rows = made.section(".kpatch.funcs", struct.pack("<7Q", 0, 0, 0, 0, 1, 0, 0))
    made.relocate(rows, 0, ADDR64, made.symbol("", 1, kind=SECTION))
    made.relocate(rows, 40, ADDR64, names)
    made.relocate(rows, 48, ADDR64, names, 6)
    checked = check(tmp_path, made, module)
    assert checked.functions == [("scsi_common", "with_toc", 0), ("scsi_common", "twice", 1)]


@pytest.mark.parametrize(
    ("info", "same"),
    [
        (VERMAGIC, True),
        (VERMAGIC.strip(), True),
        (f" {VERMAGIC}", True),
        ("", True),
        ("6.1.177 SMP mod_unload ", False),
    ],
)
def test_the_kernel_of_the_object_is_to_be_that_of_the_patch(
    tmp_path: Path, info: str, same: bool
) -> None:
    """A file that does not say it may be of any."""
    module = made_module(info).write(tmp_path / "scsi_common.ko")
    checked = check(tmp_path, made_patch({"scsi_common": [Func("with_toc")]}), module)
    says = f'it has "{info.strip()}", the patch "{VERMAGIC.strip()}"'
    assert checked.hazards == ([] if same else [("other-kernel", "scsi_common", says)])


@pytest.mark.parametrize(("version", "same"), [(VERMAGIC, True), ("6.1.177 SMP ", False)])
def test_the_version_of_vmlinux_is_in_its_data(tmp_path: Path, version: str, same: bool) -> None:
    vmlinux = kernel(tmp_path / "vmlinux", version=version)
    checked = check(tmp_path, made_patch({None: [Func("f")]}), vmlinux)
    assert ("other-kernel" in checked.ids) is not same


BROKEN_SAYS = ("kernel-clobbers-r15", "vmlinux")


@pytest.mark.parametrize(
    ("words", "at", "clobbers"),
    [
        (BROKEN, 0, True),
        ((BLR, *BROKEN), 4, True),
        (MENDED, 0, False),
        ((BLR,), 0, False),
        # None of these says where ftrace_caller is; a wrong answer would be a false alarm.
        (MENDED, 1 << 40, False),
        (MENDED, -(1 << 40), False),
    ],
)
def test_a_kernel_that_clobbers_r15(
    tmp_path: Path, words: tuple[int, ...], at: int, clobbers: bool
) -> None:
    vmlinux = kernel(tmp_path / "vmlinux", *words, at=at)
    checked = check(tmp_path, made_patch({None: [Func("f")]}), vmlinux)
    assert ("kernel-clobbers-r15" in checked.ids) is clobbers
    if clobbers:
        says = (*BROKEN_SAYS, f"ftrace_caller at {ADDRESS + at:#x}")
        assert says in checked.hazards


@pytest.mark.parametrize("section", [UNDEF, ABS, 0xFE00])
def test_an_ftrace_caller_in_no_section_is_not_looked_at(tmp_path: Path, section: int) -> None:
    vmlinux = kernel(tmp_path / "vmlinux", *BROKEN, section=section)
    checked = check(tmp_path, made_patch({None: [Func("f")]}), vmlinux)
    assert checked.ids == ["original-missing"]


def test_a_module_has_no_ftrace_caller_of_its_own(tmp_path: Path) -> None:
    made = made_module()
    made.symbol("ftrace_caller", made.text(".text.other", *BROKEN), 0, 4 * len(BROKEN), FUNC)
    module = made.write(tmp_path / "scsi_common.ko")
    assert check(tmp_path, made_patch({"scsi_common": [Func("with_toc")]}), module).hazards == []


def test_relocations_of_livepatch_are_checked_against_the_objects(
    tmp_path: Path, module: Path
) -> None:
    made = made_patch({"scsi_common": [Func("with_toc")]})
    name = ".klp.sym.scsi_common.gone,0"
    pointers = made.section("pointers", bytes(8))
    made.relocate(pointers, 0, ADDR64, made.symbol(name, LIVEPATCH, kind=NOTYPE), klp="scsi_common")
    checked = check(tmp_path, made, module)
    assert checked.hazards == [
        ("klp-symbol-not-found", name, "scsi_common.ko has none of that name")
    ]


OTHER_LAYOUT = (
    structure("klp_patch", 64, mod=0, objs=24),
    structure("klp_object", 48, name=16, funcs=32),
    structure("klp_func", 40, old_name=24, new_func=0, old_sympos=8),
)
LIKELY = (
    structure("klp_patch", 200, mod=0, objs=8),
    structure("klp_object", OBJECT_SIZE, name=0, funcs=8),
    structure("klp_func", FUNC_SIZE, old_name=0, new_func=8, old_sympos=16),
)


def unusual_patch() -> MadeObject:
    """Return a patch of with_toc and twice,2 in scsi_common, of structures that are laid out so."""
    made = MadeObject()
    text = made.text(".text", MFLR, BL, BLR)
    made.symbol("replacement", text, 0, 12)
    made.list_sites(text, 4)
    made.section(".modinfo", modinfo(*MARKED))
    strings = b"\0scsi_common\0with_toc\0twice\0"
    rodata = made.symbol("", made.section(".rodata", strings), kind=SECTION)
    this_module = made.section(".gnu.linkonce.this_module", bytes(64))
    data = made.section(".data", flags=ALLOC | WRITE)
    content = bytearray(512)
    code, base = made.symbol("", text, kind=SECTION), made.symbol("", data, kind=SECTION)
    made.relocate(data, 0, ADDR64, made.symbol("", this_module, kind=SECTION))
    made.relocate(data, 24, ADDR64, base, 64)
    made.relocate(data, 64 + 16, ADDR64, rodata, 1)
    made.relocate(data, 64 + 32, ADDR64, base, 256)
    for number, (name, sympos) in enumerate((("with_toc", 0), ("twice", 2))):
        at = 256 + 40 * number
        made.relocate(data, at + 24, ADDR64, rodata, strings.index(name.encode()))
        made.relocate(data, at, ADDR64, code)
        struct.pack_into("<Q", content, at + 8, sympos)
    made.fill(data, bytes(content))
    return made


PREDICTED = [("scsi_common", "with_toc", 0), ("scsi_common", "twice", 2)]


def test_the_structures_are_those_that_the_patch_was_compiled_with(
    tmp_path: Path, module: Path
) -> None:
    made = unusual_patch()
    add_debug_info(made, Unit(entries=OTHER_LAYOUT))
    assert check(tmp_path, made, module).functions == PREDICTED


def test_else_they_are_those_of_its_kernel(tmp_path: Path, module: Path) -> None:
    vmlinux = MadeObject(kind=ET_EXEC)
    vmlinux.text(".text", BLR, address=ADDRESS)
    add_debug_info(vmlinux, Unit(entries=OTHER_LAYOUT))
    path = vmlinux.write(tmp_path / "vmlinux")
    assert check(tmp_path, unusual_patch(), module, path).functions == PREDICTED


def test_the_patchs_own_go_before_those_of_its_kernel(tmp_path: Path, module: Path) -> None:
    vmlinux = MadeObject(kind=ET_EXEC)
    vmlinux.text(".text", BLR, address=ADDRESS)
    add_debug_info(vmlinux, Unit(entries=LIKELY))
    path = vmlinux.write(tmp_path / "vmlinux")
    made = unusual_patch()
    add_debug_info(made, Unit(entries=OTHER_LAYOUT))
    assert check(tmp_path, made, module, path).functions == PREDICTED


def test_else_they_are_likely_ones(tmp_path: Path, module: Path) -> None:
    checked = check(tmp_path, unusual_patch(), module)
    assert checked.predicted == ()
    assert checked.ids == ["no-klp-patch"]


@pytest.mark.parametrize(
    "entries",
    [
        LIKELY[:2],
        (*LIKELY[:2], structure("klp_func", FUNC_SIZE, old_name=0, new_func=8)),
        (*LIKELY[:2], structure("klp_func", 16, old_name=0, new_func=8, old_sympos=0)),
        (*LIKELY[:2], structure("klp_func", 0, old_name=0, new_func=8, old_sympos=16)),
    ],
    ids=["one lacks", "a member lacks", "too small", "of no size"],
)
def test_structures_that_are_not_whole_are_not_used(
    tmp_path: Path, module: Path, entries: tuple[Entry, ...]
) -> None:
    made = made_patch({"scsi_common": [Func("with_toc"), Func("twice", sympos=2)]})
    add_debug_info(made, Unit(entries=entries))
    assert check(tmp_path, made, module).functions == PREDICTED
