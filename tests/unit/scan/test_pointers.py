# SPDX-License-Identifier: GPL-2.0-or-later
"""The pointers that the loader is to fill in, and what they lead to."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from klp_debug.elf.object_file import ObjectFile
from klp_debug.scan.pointers import Pointers
from tests.support.made_object import (
    ABS,
    ADDR64,
    ALLOC,
    LIVEPATCH,
    NOBITS,
    NOTYPE,
    OBJECT,
    REL32,
    SECTION,
    UNDEF,
    MadeObject,
)
from tests.support.made_patch import NOP


def pointers_of(path: Path, made: MadeObject) -> Pointers:
    return Pointers(ObjectFile(made.write(path)))


def pointing(path: Path, section: int, addend: int, made: MadeObject) -> Pointers:
    """Return the pointers of a file, after one at .pointers+8 was added to it."""
    pointers = made.section(".pointers", bytes(16))
    made.relocate(pointers, 8, ADDR64, made.symbol("", section, kind=SECTION), addend)
    return pointers_of(path, made)


def strings(data: bytes, *, type_: int = 1) -> tuple[MadeObject, int]:
    made = MadeObject()
    return made, made.section(".rodata", data, type_=type_)


def test_a_pointer_leads_to_its_symbol_and_addend(tmp_path: Path) -> None:
    made = MadeObject()
    data = made.section(".data", bytes(32))
    variable = made.symbol("variable", data, 16, 8, OBJECT)
    for at, addend in ((0, 0), (8, 4), (24, -16)):
        made.relocate(data, at, ADDR64, variable, addend)
    pointers = pointers_of(tmp_path / "a.ko", made)
    expected = {(data, 0): (data, 16), (data, 8): (data, 20), (data, 24): (data, 0)}
    assert dict(pointers) == expected
    assert {place: pointers.target(place) for place in expected} == expected
    assert pointers.pointed_to == set(expected.values())
    assert (data, 0) in pointers


def test_what_is_no_pointer_leads_nowhere(tmp_path: Path) -> None:
    made, rodata = strings(b"abc\0")
    pointers = pointing(tmp_path / "a.ko", rodata, 0, made)
    for place in ((rodata, 0), (2, 0), (2, 7), (2, 16), (99, 8)):
        assert place not in pointers
        assert (pointers.target(place), pointers.string(place)) == (None, None)


def test_a_file_may_have_none(tmp_path: Path) -> None:
    pointers = pointers_of(tmp_path / "a.ko", MadeObject())
    assert (dict(pointers), pointers.pointed_to) == ({}, set())


def test_only_loaded_data_has_pointers(tmp_path: Path) -> None:
    made = MadeObject()
    text = made.text(".text", NOP, NOP)
    debug = made.section(".debug_addr", bytes(8), flags=0)
    data = made.section(".data", bytes(16))
    base = made.symbol("", data, kind=SECTION)
    for section in (text, debug, data):
        made.relocate(section, 0, ADDR64, base)
    made.relocate(data, 8, REL32, base)
    assert dict(pointers_of(tmp_path / "a.ko", made)) == {(data, 0): (data, 0)}


def test_what_livepatch_relocates_is_no_pointer_yet(tmp_path: Path) -> None:
    made = MadeObject()
    data = made.section(".data", bytes(8))
    made.relocate(data, 0, ADDR64, made.symbol("", data, kind=SECTION), klp="vmlinux")
    assert dict(pointers_of(tmp_path / "a.ko", made)) == {}


@pytest.mark.parametrize("addend", [-1, 8, 1 << 40, -(1 << 63)])
def test_a_pointer_out_of_the_section_leads_nowhere(tmp_path: Path, addend: int) -> None:
    made, rodata = strings(bytes(8))
    assert dict(pointing(tmp_path / "a.ko", rodata, addend, made)) == {}


@pytest.mark.parametrize("section", [UNDEF, ABS, LIVEPATCH, 0xFFFF])
def test_a_pointer_out_of_the_file_leads_nowhere(tmp_path: Path, section: int) -> None:
    made = MadeObject()
    data = made.section(".data", bytes(8))
    made.relocate(data, 0, ADDR64, made.symbol("elsewhere", section, kind=NOTYPE))
    assert dict(pointers_of(tmp_path / "a.ko", made)) == {}


def test_a_pointer_to_a_symbol_beyond_the_table_leads_nowhere(tmp_path: Path) -> None:
    made = MadeObject()
    data = made.section(".data", bytes(8))
    made.relocate(data, 0, ADDR64, 4096)
    assert dict(pointers_of(tmp_path / "a.ko", made)) == {}


@pytest.mark.parametrize(
    ("data", "at", "expected"),
    [
        (b"abc\0def\0", 0, "abc"),
        (b"abc\0def\0", 5, "ef"),
        (b"caf\xe9\0", 0, "caf\N{REPLACEMENT CHARACTER}"),
        # None of these is a name.
        (b"abc\0", 3, None),
        (b"abc", 0, None),
        (b"x" * 1023 + b"\0", 0, "x" * 1023),
        (b"x" * 1024 + b"\0", 0, None),
    ],
)
def test_a_string_ends_with_its_nul(
    tmp_path: Path, data: bytes, at: int, expected: str | None
) -> None:
    made, rodata = strings(data)
    assert pointing(tmp_path / "a.ko", rodata, at, made).string((2, 8)) == expected


def test_instructions_and_zeroed_memory_are_no_strings(tmp_path: Path) -> None:
    made = MadeObject()
    text = made.text(".text", NOP, 0x00434241)
    pointers = pointing(tmp_path / "a.ko", text, 4, made)
    assert (pointers.target((2, 8)), pointers.string((2, 8))) == ((text, 4), None)
    made, bss = strings(bytes(8), type_=NOBITS)
    pointers = pointing(tmp_path / "a.ko", bss, 0, made)
    assert (pointers.target((2, 8)), pointers.string((2, 8))) == ((bss, 0), None)


def test_a_number_is_a_little_endian_doubleword(tmp_path: Path) -> None:
    """One that the section cuts has what is left of it."""
    made = MadeObject()
    data = made.section(".data", bytes(range(1, 11)), ALLOC)
    bss = made.section(".bss", bytes(8), type_=NOBITS)
    pointers = pointers_of(tmp_path / "a.ko", made)
    numbers = [pointers.number(place) for place in ((data, 0), (data, 2), (data, 8), (data, 64))]
    assert numbers == [0x0807060504030201, 0x0A09080706050403, 0x0A09, 0]
    assert pointers.number((bss, 0)) == 0


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    names=st.lists(
        st.text(st.characters(min_codepoint=1, exclude_categories=["Cs"]), min_size=1, max_size=9),
        min_size=1,
        max_size=5,
    ),
    data=st.data(),
)
def test_any_name_is_read_through_a_pointer(
    tmp_path: Path, names: list[str], data: st.DataObject
) -> None:
    which = data.draw(st.integers(0, len(names) - 1))
    at = sum(len(name.encode()) + 1 for name in names[:which])
    made, rodata = strings(b"".join(name.encode() + b"\0" for name in names))
    assert pointing(tmp_path / "a.ko", rodata, at, made).string((2, 8)) == names[which]
