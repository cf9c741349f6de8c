# SPDX-License-Identifier: GPL-2.0-or-later
"""What a module's data says that it replaces: arrays of klp_objects, and rows of kpatch-build."""

import struct
from collections.abc import Mapping
from pathlib import Path

import pytest

from klp_debug.elf.object_file import ObjectFile
from klp_debug.elf.struct_layout import StructLayout
from klp_debug.scan.module_data import LIKELY_LAYOUTS, KlpObject, PatchData, kpatch_objects
from tests.support.made_object import (
    ADDR64,
    ALLOC,
    EXEC,
    NOTYPE,
    OBJECT,
    SECTION,
    UNDEF,
    WRITE,
    MadeObject,
)
from tests.support.made_patch import BLR, FUNC_SIZE, MFLR, OBJECT_SIZE, Func, made_patch

EXACT = {
    "klp_patch": StructLayout(200, {"mod": 0, "objs": 8}),
    "klp_object": StructLayout(OBJECT_SIZE, {"name": 0, "funcs": 8}),
    "klp_func": StructLayout(FUNC_SIZE, {"old_name": 0, "new_func": 8, "old_sympos": 16}),
}
"""As made_patch() has them."""

BOTH = pytest.mark.parametrize("layouts", [EXACT, LIKELY_LAYOUTS], ids=["exact", "likely"])
Layouts = Mapping[str, StructLayout]


def objects_of(path: Path, made: MadeObject, layouts: Layouts = EXACT) -> tuple[KlpObject, ...]:
    return PatchData(ObjectFile(made.write(path)), layouts).objects()


def names(objects: tuple[KlpObject, ...]) -> list[tuple[str, list[tuple[str, int]]]]:
    return [(one.name, [(func.old_name, func.sympos) for func in one.funcs]) for one in objects]


@BOTH
def test_every_object_has_its_functions(tmp_path: Path, layouts: Layouts) -> None:
    made = made_patch(
        {
            "scsi_common": [Func("f"), Func("twice", sympos=2), Func("g", None)],
            None: [Func("h", 4)],
            "ext4": [Func("i"), Func("j")],
        }
    )
    objects = objects_of(tmp_path / "p.ko", made, layouts)
    assert names(objects) == [
        ("scsi_common", [("f", 0), ("twice", 2), ("g", 0)]),
        ("vmlinux", [("h", 0)]),
        ("ext4", [("i", 0), ("j", 0)]),
    ]
    assert [one.named for one in objects] == [True, False, True]
    places = [func.new_func for one in objects for func in one.funcs]
    assert places == [(1, 0), (1, 0), None, (1, 4), (1, 0), (1, 0)]


@BOTH
def test_an_object_that_is_named_vmlinux_is_told_from_one_without_a_name(
    tmp_path: Path, layouts: Layouts
) -> None:
    (one,) = objects_of(tmp_path / "p.ko", made_patch({"vmlinux": [Func("f")]}), layouts)
    assert (one.name, one.named) == ("vmlinux", True)


@BOTH
def test_an_object_may_have_no_function(tmp_path: Path, layouts: Layouts) -> None:
    made = made_patch({"first": [], "second": [Func("f")]})
    assert names(objects_of(tmp_path / "p.ko", made, layouts))[0] == ("first", [])


def test_a_file_without_this_module_is_no_module(tmp_path: Path) -> None:
    made = MadeObject()
    made.section(".data", bytes(64))
    assert objects_of(tmp_path / "a.o", made) == ()


def test_a_module_without_pointers_replaces_nothing(tmp_path: Path) -> None:
    made = MadeObject()
    made.section(".gnu.linkonce.this_module", bytes(0x400))
    assert objects_of(tmp_path / "a.ko", made) == ()


@pytest.mark.parametrize(
    "layouts",
    [
        EXACT,
        {**LIKELY_LAYOUTS, "klp_patch": EXACT["klp_patch"]},
        {**LIKELY_LAYOUTS, "klp_func": EXACT["klp_func"]},
        {**LIKELY_LAYOUTS, "klp_object": EXACT["klp_object"]},
    ],
)
def test_what_is_not_known_of_one_structure_does_not_hurt_another(
    tmp_path: Path, layouts: Layouts
) -> None:
    made = made_patch({"scsi_common": [Func("f"), Func("g")], "ext4": [Func("h"), Func("i")]})
    assert names(objects_of(tmp_path / "p.ko", made, layouts)) == [
        ("scsi_common", [("f", 0), ("g", 0)]),
        ("ext4", [("h", 0), ("i", 0)]),
    ]


class Module:
    """A module's data made member by member, for other layouts and other mistakes."""

    def __init__(self) -> None:
        self.made = MadeObject()
        self.text = self.made.text(".text", MFLR, BLR, BLR)
        self.strings = b"\0scsi_common\0f\0g\0"
        rodata = self.made.section(".rodata", self.strings)
        this_module = self.made.section(".gnu.linkonce.this_module", bytes(64))
        self.data = self.made.section(".data", bytes(1024), ALLOC | WRITE)
        self.bases = {
            number: self.made.symbol("", number, kind=SECTION)
            for number in (self.text, rodata, this_module, self.data)
        }
        self.rodata, self.this_module = rodata, this_module

    def point(self, at: int, section: int, offset: int = 0) -> None:
        self.made.relocate(self.data, at, ADDR64, self.bases[section], offset)

    def name(self, at: int, name: str) -> None:
        self.point(at, self.rodata, self.strings.index(f"\0{name}\0".encode()) + 1)

    def patch(self, at: int, objects: int) -> None:
        self.point(at, self.this_module)
        self.point(at + 8, self.data, objects)

    def extern(self, at: int, name: str) -> None:
        self.made.relocate(self.data, at, ADDR64, self.made.symbol(name, UNDEF, kind=NOTYPE))


def test_members_are_where_the_layout_says(tmp_path: Path) -> None:
    module = Module()
    layouts = {
        "klp_patch": StructLayout(64, {"mod": 24, "objs": 56}),
        "klp_object": StructLayout(48, {"name": 32, "funcs": 16}),
        "klp_func": StructLayout(40, {"old_name": 8, "new_func": 0, "old_sympos": 24}),
    }
    module.point(24, module.this_module)
    module.point(56, module.data, 64)
    module.name(64 + 32, "scsi_common")
    module.point(64 + 16, module.data, 256)
    for number, name in enumerate(("f", "g")):
        module.name(256 + 40 * number + 8, name)
        module.point(256 + 40 * number, module.text, 4 * number)
    content = bytearray(1024)
    struct.pack_into("<Q", content, 256 + 40 + 24, 3)
    module.made.fill(module.data, bytes(content))
    (one,) = objects_of(tmp_path / "p.ko", module.made, layouts)
    assert [(func.old_name, func.sympos, func.new_func) for func in one.funcs] == [
        ("f", 0, (module.text, 0)),
        ("g", 3, (module.text, 4)),
    ]
    assert one.name == "scsi_common"


def test_a_pointer_into_this_module_is_no_patch(tmp_path: Path) -> None:
    module = Module()
    module.patch(0, 64)
    module.name(64, "scsi_common")
    module.made.relocate(module.data, 512, ADDR64, module.bases[module.this_module], 8)
    module.point(520, module.data, 64)
    assert names(objects_of(tmp_path / "p.ko", module.made)) == [("scsi_common", [])]


def test_a_module_may_have_several_patches(tmp_path: Path) -> None:
    module = Module()
    module.patch(0, 64)
    module.name(64, "scsi_common")
    module.patch(16, 512)
    module.name(512, "f")
    assert names(objects_of(tmp_path / "p.ko", module.made)) == [("scsi_common", []), ("f", [])]


@BOTH
@pytest.mark.parametrize("behind", [(8, 16), (0, 8), (0,)])
def test_an_owner_before_operations_is_no_patch(
    tmp_path: Path, layouts: Layouts, behind: tuple[int, ...]
) -> None:
    """As a kernel_param has before its own set and get, and a block device before pr_ops."""
    module = Module()
    module.patch(0, 64)
    for at in behind:
        module.point(64 + at, module.text)
    assert objects_of(tmp_path / "a.ko", module.made, layouts) == ()


@BOTH
def test_an_owner_before_groups_of_attributes_is_no_patch(tmp_path: Path, layouts: Layouts) -> None:
    """As a class has: an array of pointers to structures, which begin with a NULL."""
    module = Module()
    module.patch(0, 64)
    module.point(64, module.data, 512)
    module.point(64 + 8, module.data, 600)
    assert objects_of(tmp_path / "a.ko", module.made, layouts) == ()


@BOTH
def test_a_patch_may_have_nothing_but_callbacks(tmp_path: Path, layouts: Layouts) -> None:
    """As samples/livepatch/livepatch-callbacks-demo.c has for vmlinux."""
    module = Module()
    module.patch(0, 64)
    module.point(64 + 8, module.data, 512)
    module.point(64 + 16, module.text)
    (one,) = objects_of(tmp_path / "p.ko", module.made, layouts)
    assert (one.name, one.named, one.funcs) == ("vmlinux", False, ())


@BOTH
def test_an_owner_before_functions_names_or_others_symbols_is_no_patch(
    tmp_path: Path, layouts: Layouts
) -> None:
    module = Module()
    module.point(0, module.this_module)
    module.point(8, module.text)
    module.point(16, module.this_module)
    module.name(24, "f")
    module.point(32, module.this_module)
    module.extern(40, "noop_llseek")
    module.point(48, module.this_module)
    assert objects_of(tmp_path / "a.ko", module.made, layouts) == ()


@BOTH
def test_functions_that_only_others_have_lead_nowhere(tmp_path: Path, layouts: Layouts) -> None:
    module = Module()
    module.patch(0, 64)
    module.name(64, "scsi_common")
    module.point(64 + 8, module.data, 256)
    module.name(256, "f")
    module.extern(256 + 8, "elsewhere")
    (one,) = objects_of(tmp_path / "p.ko", module.made, layouts)
    assert [(func.old_name, func.new_func) for func in one.funcs] == [("f", None)]


def test_an_array_that_nothing_ends_is_cut(tmp_path: Path) -> None:
    """The last of it is at the section's end."""
    module = Module()
    module.made.fill(module.data, bytes(OBJECT_SIZE * 3))
    module.patch(OBJECT_SIZE - 16, 0)
    for number in range(3):
        module.name(OBJECT_SIZE * number, "scsi_common")
    told = [one.name for one in objects_of(tmp_path / "p.ko", module.made)]
    assert told == ["scsi_common"] * 3


def test_an_object_that_is_its_own_functions_ends(tmp_path: Path) -> None:
    """Of 168 bytes to an object and 152 to a function, the second is no function."""
    module = Module()
    module.patch(512, 0)
    module.name(0, "f")
    module.point(8, module.data, 0)
    assert names(objects_of(tmp_path / "p.ko", module.made)) == [("f", [("f", 0)])]


def test_a_damaged_file_is_not_walked_for_ever(tmp_path: Path) -> None:
    """Of 32 patches each has the same 512 objects, whose funcs are nothing."""
    made = MadeObject()
    this_module = made.section(".gnu.linkonce.this_module", bytes(8))
    data = made.section(".data", b"name".ljust(8 * 512, b"\0"), ALLOC | WRITE)
    base, module = (made.symbol("", number, kind=SECTION) for number in (data, this_module))
    for at in range(0, 8 * 512, 8):
        made.relocate(data, at, ADDR64, base)
    patches = made.section(".data.patches", bytes(16 * 32), ALLOC | WRITE)
    for at in range(0, 16 * 32, 16):
        made.relocate(patches, at, ADDR64, module)
        made.relocate(patches, at + 8, ADDR64, base)
    layouts = {**EXACT, "klp_object": StructLayout(8, {"name": 0, "funcs": 4})}
    # Where an array ends is looked at, too.
    assert 8100 < len(objects_of(tmp_path / "p.ko", made, layouts)) <= 8192


@pytest.mark.parametrize(("size", "number"), [(160, 2), (152, 1), (None, 1)])
def test_without_sizes_an_array_ends_with_its_variable(
    tmp_path: Path, size: int | None, number: int
) -> None:
    """Where no symbol says how large it is, one element is sure."""
    module = Module()
    module.patch(0, 512)
    module.name(512, "scsi_common")
    module.point(512 + 8, module.data, 64)
    for at, name in ((64, "f"), (64 + 152, "g")):
        module.name(at, name)
        module.point(at + 8, module.text)
    if size is not None:
        module.made.symbol("funcs", module.data, 64, size, OBJECT)
    else:
        module.point(504, module.data, 64 + 152)
    (one,) = objects_of(tmp_path / "p.ko", module.made, LIKELY_LAYOUTS)
    assert [func.old_name for func in one.funcs] == ["f", "g"][:number]


@BOTH
def test_of_a_patch_the_operations_and_the_toc_are_not_taken_for_it(
    tmp_path: Path, layouts: Layouts
) -> None:
    """As of a patch that has a file in /proc and a parameter: the klp_patch stands last."""
    module = Module()
    # file_operations: the owner, then a function; ops of a device: the owner, then data.
    module.point(0, module.this_module)
    module.point(8, module.text)
    module.patch(32, 128)
    module.name(128, "f")
    toc = module.made.section(".toc", bytes(16), ALLOC | WRITE)
    param = module.made.section("__param", bytes(40))
    for section, at in ((toc, 0), (param, 8)):
        module.made.relocate(section, at, ADDR64, module.bases[module.this_module])
        module.made.relocate(section, at + 8, ADDR64, module.bases[module.data], 128)
    module.patch(512, 600)
    module.name(600, "scsi_common")
    module.point(600 + 8, module.data, 800)
    module.name(800, "g")
    module.point(800 + 8, module.text, 4)
    (one,) = objects_of(tmp_path / "p.ko", module.made, layouts)
    assert (one.name, [func.old_name for func in one.funcs]) == ("scsi_common", ["g"])


@BOTH
@pytest.mark.parametrize("flags", [ALLOC, ALLOC | EXEC | WRITE])
def test_structures_that_cannot_be_written_are_no_objects(
    tmp_path: Path, layouts: Layouts, flags: int
) -> None:
    module = Module()
    const = module.made.section(".rodata.ops", bytes(64), flags)
    module.point(0, module.this_module)
    module.made.relocate(module.data, 8, ADDR64, module.made.symbol("", const, kind=SECTION))
    module.made.relocate(const, 0, ADDR64, module.bases[module.rodata], 1)
    assert objects_of(tmp_path / "a.ko", module.made, layouts) == ()


ROW = 56
STRINGS = b"\0vmlinux\0f\0scsi_common\0twice\0"


def kpatch_module(*rows: tuple[int, int, str | None, str | None], more: bytes = b"") -> MadeObject:
    """Return a module of kpatch-build; rows are (new_addr, sympos, name, objname)."""
    made = MadeObject()
    text = made.text(".text", MFLR, BLR, BLR)
    strings = made.section(".kpatch.strings", STRINGS)
    table = b"".join(struct.pack("<7Q", 0, 8, 0, 0, sympos, 0, 0) for _, sympos, _, _ in rows)
    funcs = made.section(".kpatch.funcs", table + more)
    code, texts = made.symbol("", text, kind=SECTION), made.symbol("", strings, kind=SECTION)
    for number, (new_addr, _, name, objname) in enumerate(rows):
        made.relocate(funcs, ROW * number, ADDR64, code, new_addr)
        for at, one in ((40, name), (48, objname)):
            if one is not None:
                where = STRINGS.index(f"\0{one}\0".encode()) + 1
                made.relocate(funcs, ROW * number + at, ADDR64, texts, where)
    return made


def kpatch(path: Path, made: MadeObject) -> tuple[KlpObject, ...]:
    return kpatch_objects(ObjectFile(made.write(path)))


def test_rows_of_kpatch_build_are_gathered_by_object(tmp_path: Path) -> None:
    made = kpatch_module(
        (4, 0, "f", "vmlinux"), (0, 2, "twice", "scsi_common"), (8, 1, "twice", "vmlinux")
    )
    objects = kpatch(tmp_path / "p.ko", made)
    assert names(objects) == [
        ("vmlinux", [("f", 0), ("twice", 1)]),
        ("scsi_common", [("twice", 2)]),
    ]
    # Its core makes NULL of vmlinux.
    assert [one.named for one in objects] == [False, True]
    assert [func.new_func for func in objects[0].funcs] == [(1, 4), (1, 8)]


@pytest.mark.parametrize(("name", "objname"), [(None, "vmlinux"), ("f", None)])
def test_a_row_without_a_name_is_left_out(
    tmp_path: Path, name: str | None, objname: str | None
) -> None:
    made = kpatch_module((0, 0, name, objname), (4, 0, "f", "vmlinux"))
    assert names(kpatch(tmp_path / "p.ko", made)) == [("vmlinux", [("f", 0)])]


@pytest.mark.parametrize("more", [b"\0", bytes(48)])
def test_rows_of_another_size_are_not_read(tmp_path: Path, more: bytes) -> None:
    """Those of kpatch's first versions had 48 bytes."""
    made = kpatch_module((4, 0, "f", "vmlinux"), more=more)
    assert kpatch(tmp_path / "p.ko", made) == ()


def test_a_module_of_another_tool_has_no_rows(tmp_path: Path) -> None:
    assert kpatch(tmp_path / "p.ko", made_patch()) == ()
    assert kpatch(tmp_path / "p.ko", kpatch_module()) == ()


def test_very_many_rows_are_cut(tmp_path: Path) -> None:
    made = kpatch_module(*[(0, 0, "f", "vmlinux")] * 4097)
    (one,) = kpatch(tmp_path / "p.ko", made)
    assert len(one.funcs) == 4096
