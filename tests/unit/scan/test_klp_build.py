# SPDX-License-Identifier: GPL-2.0-or-later
"""
What the arrays of a module of klp-build say that it replaces.

The objects are made by hand after livepatch_external.h: no ppc64le module of klp-build is known.
"""

import struct
from pathlib import Path

import pytest

from klp_debug.elf.object_file import ObjectFile
from klp_debug.scan.klp_build import klp_build_objects
from klp_debug.scan.module_data import KlpFunc, KlpObject
from tests.support.made_object import ADDR64, SECTION, MadeObject
from tests.support.made_patch import BLR, MFLR, Func, made_patch

OBJECT, FUNC = 64, 24
"""Bytes of klp_object_ext and klp_func_ext: sizeof() by powerpc64le-linux-gnu-gcc."""
NR_FUNCS = 56
STRINGS = b"\0scsi_common\0f\0twice\0g\0"
NEW = ".init.klp_objects", ".init.klp_funcs"
OLD = "__klp_objects", "__klp_funcs"
TEXT, TABLE_OF_FUNCS = 1, 4

Objects = list[tuple[str | None, list[Func]]]
OBJECTS: Objects = [
    (None, [Func("f", 4)]),
    ("scsi_common", [Func("twice", 0, sympos=2), Func("g", 8)]),
]


def made_of(
    objects: Objects, sections: tuple[str, str] = NEW, *, number: int | None = None, more: int = 0
) -> MadeObject:
    """
    Return a module of klp-build.

    :param number: what each object says of its functions, if not how many they are
    :param more: bytes behind the last object
    """
    made = MadeObject()
    assert made.text(".text", MFLR, BLR, BLR) == TEXT
    strings = made.section(".rodata.klp.str1.1", STRINGS)
    table = made.section(sections[0], b"")
    assert made.section(sections[1], b"") == TABLE_OF_FUNCS
    code, names, funcs = (made.symbol("", one, kind=SECTION) for one in (TEXT, strings, 4))
    rows = content = b""
    for name, of_object in objects:
        at = len(content)
        if name is not None:
            made.relocate(table, at, ADDR64, names, STRINGS.index(f"\0{name}\0".encode()) + 1)
        made.relocate(table, at + 8, ADDR64, funcs, len(rows))
        counted = len(of_object) if number is None else number
        content += struct.pack("<7QII", 0, 0, 0, 0, 0, 0, 0, counted, 0xFFFFFFFF)
        for func in of_object:
            where = STRINGS.index(f"\0{func.old_name}\0".encode()) + 1
            made.relocate(TABLE_OF_FUNCS, len(rows), ADDR64, names, where)
            if func.new_func is not None:
                made.relocate(TABLE_OF_FUNCS, len(rows) + 8, ADDR64, code, func.new_func)
            rows += struct.pack("<3Q", 0, 0, func.sympos)
    made.fill(table, content + bytes(more))
    made.fill(TABLE_OF_FUNCS, rows)
    return made


def read(path: Path, made: MadeObject) -> tuple[KlpObject, ...]:
    return klp_build_objects(ObjectFile(made.write(path)))


@pytest.mark.parametrize("sections", [NEW, OLD])
def test_every_object_has_its_functions(tmp_path: Path, sections: tuple[str, str]) -> None:
    assert read(tmp_path / "p.ko", made_of(OBJECTS, sections)) == (
        KlpObject(name="vmlinux", named=False, funcs=(KlpFunc("f", 0, (TEXT, 4)),)),
        KlpObject(
            name="scsi_common",
            named=True,
            funcs=(KlpFunc("twice", 2, (TEXT, 0)), KlpFunc("g", 0, (TEXT, 8))),
        ),
    )


def test_a_replacement_that_is_null(tmp_path: Path) -> None:
    (one,) = read(tmp_path / "p.ko", made_of([(None, [Func("f", None)])]))
    assert one.funcs == (KlpFunc("f", 0, None),)


def test_a_number_is_cut_where_the_section_ends(tmp_path: Path) -> None:
    first, second = read(tmp_path / "p.ko", made_of(OBJECTS, number=0xFFFFFFFF))
    assert [func.old_name for func in first.funcs] == ["f", "twice", "g"]
    assert [func.old_name for func in second.funcs] == ["twice", "g"]


def test_an_object_without_functions(tmp_path: Path) -> None:
    assert [one.funcs for one in read(tmp_path / "p.ko", made_of(OBJECTS, number=0))] == [(), ()]


def test_a_name_that_leads_nowhere_is_not_vmlinux(tmp_path: Path) -> None:
    made = made_of([(None, [Func("f", 4)])])
    made.relocate(3, 0, ADDR64, made.symbol("", TEXT, kind=SECTION))
    assert read(tmp_path / "p.ko", made) == ()


@pytest.mark.parametrize("more", [8, 56])
def test_objects_of_another_size_are_not_read(tmp_path: Path, more: int) -> None:
    assert read(tmp_path / "p.ko", made_of(OBJECTS, more=more)) == ()


def test_a_module_of_another_tool_has_none(tmp_path: Path) -> None:
    assert read(tmp_path / "p.ko", made_patch()) == ()


def test_very_many_are_cut(tmp_path: Path) -> None:
    made = made_of([(None, [Func("f", 4)] * 5000)] * 3)
    objects = read(tmp_path / "p.ko", made)
    assert [len(one.funcs) for one in objects] == [5000, 3192, 0]
