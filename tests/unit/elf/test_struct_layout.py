# SPDX-License-Identifier: GPL-2.0-or-later
"""Structures by the debugging information of a file, and the answer where it has none."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from klp_debug.elf.struct_layout import StructLayout, struct_layouts
from tests.support.made_dwarf import (
    BYTE_SIZE,
    DECLARATION,
    MEMBER,
    MEMBER_AT,
    NAME,
    STRUCT,
    TYPE,
    Entry,
    Present,
    Unit,
    add_debug_info,
    structure,
)
from tests.support.made_object import ET_EXEC, ET_REL, MadeObject
from tests.support.made_patch import BLR

FUNC = structure("klp_func", 152, old_name=0, new_func=8, old_sympos=16)
OBJECT = structure("klp_object", 168, name=0, funcs=8)


def made_of(*entries: Entry, kind: int = ET_REL) -> MadeObject:
    made = MadeObject(kind=kind)
    made.text(".text", BLR)
    if entries:
        add_debug_info(made, Unit(entries=entries))
    return made


def written(path: Path, *entries: Entry, kind: int = ET_REL) -> Path:
    return made_of(*entries, kind=kind).write(path)


WHOLE = made_of(FUNC).content()


@pytest.mark.parametrize("kind", [ET_REL, ET_EXEC])
def test_each_structure_has_its_size_and_its_members(tmp_path: Path, kind: int) -> None:
    """In a relocatable file the names of members are relocations."""
    path = written(tmp_path / "a", FUNC, OBJECT, kind=kind)
    assert struct_layouts(path, ["klp_object", "klp_func"]) == {
        "klp_object": StructLayout(168, {"name": 0, "funcs": 8}),
        "klp_func": StructLayout(152, {"old_name": 0, "new_func": 8, "old_sympos": 16}),
    }


@given(offsets=st.lists(st.integers(0, 1 << 20), max_size=5), size=st.integers(0, 1 << 24))
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_layout_is_told_as_it_is(tmp_path: Path, offsets: list[int], size: int) -> None:
    members = {f"member_{number}": offset for number, offset in enumerate(offsets)}
    path = written(tmp_path / "a.ko", structure("any", size, **members))
    assert struct_layouts(path, ["any"]) == {"any": StructLayout(size, members)}


def test_a_member_without_a_name_is_left_out(tmp_path: Path) -> None:
    """As a union in a structure: what is in it belongs to no member of the structure's own."""
    inner = structure("inner", 8, value=0)
    nameless = Entry(MEMBER, {TYPE: inner, MEMBER_AT: 16})
    named = Entry(MEMBER, {NAME: "last", TYPE: inner, MEMBER_AT: 24})
    outer = Entry(STRUCT, {NAME: "outer", BYTE_SIZE: 32}, [nameless, named])
    path = written(tmp_path / "a.ko", inner, outer)
    assert struct_layouts(path, ["outer"]) == {"outer": StructLayout(32, {"last": 24})}


def test_one_structure_that_is_not_there_takes_the_others_with_it(tmp_path: Path) -> None:
    path = written(tmp_path / "a.ko", FUNC)
    assert struct_layouts(path, ["klp_func"]) is not None
    assert struct_layouts(path, ["klp_func", "klp_patch"]) is None


def test_a_structure_that_is_only_declared_is_not_there(tmp_path: Path) -> None:
    declared = Entry(STRUCT, {NAME: "klp_func", DECLARATION: Present()})
    assert struct_layouts(written(tmp_path / "a.ko", declared), ["klp_func"]) is None


def test_a_definition_beats_a_declaration_before_it(tmp_path: Path) -> None:
    declared = Entry(STRUCT, {NAME: "klp_func", DECLARATION: Present()})
    layouts = struct_layouts(written(tmp_path / "a.ko", declared, FUNC), ["klp_func"])
    assert layouts is not None
    assert layouts["klp_func"].size == 152


def test_without_debugging_information_there_is_none(tmp_path: Path) -> None:
    assert struct_layouts(written(tmp_path / "a.ko"), ["klp_func"]) is None


@pytest.mark.parametrize("content", [None, b"", b"\x7fELF", b"hello\n", bytes(4096)])
def test_what_is_no_elf_file_has_none(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "a.ko"
    if content is not None:
        path.write_bytes(content)
    assert struct_layouts(path, ["klp_func"]) is None


@given(data=st.data())
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damaged_debugging_information_gives_none_or_a_layout(
    tmp_path: Path, data: st.DataObject
) -> None:
    path = tmp_path / "a.ko"
    content = bytearray(WHOLE)
    for at in data.draw(st.lists(st.integers(64, len(content) - 1), min_size=1, max_size=4)):
        content[at] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    layouts = struct_layouts(path, ["klp_func"])
    assert layouts is None or list(layouts) == ["klp_func"]
