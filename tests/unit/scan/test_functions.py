# SPDX-License-Identifier: GPL-2.0-or-later
"""All functions of an object file: which symbols they are, and which of them covers a place."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klp_debug.elf.object_file import ObjectFile
from klp_debug.scan.functions import Functions, functions_of
from tests.support.made_object import (
    ABS,
    ALLOC,
    ET_EXEC,
    EXEC,
    NOBITS,
    NOTYPE,
    OBJECT,
    UNDEF,
    MadeObject,
)
from tests.support.made_patch import MFLR, NOP, TOC_SETUP

ADDRESS = 0xC000000000010000


def read(path: Path, made: MadeObject) -> ObjectFile:
    return ObjectFile(made.write(path))


def listed(obj: ObjectFile) -> list[tuple[str, int, int, int]]:
    """Return name, section, start and size of each function."""
    functions = functions_of(obj)
    columns = (functions.symbol, functions.section, functions.start, functions.size)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return [(obj.symbol_name(symbol), *rest) for symbol, *rest in rows]


def test_functions_are_by_section_and_start_whatever_their_symbols_order(tmp_path: Path) -> None:
    made = MadeObject()
    first, second = (made.text(name, *[NOP] * 16) for name in (".text", ".text.unlikely"))
    for name, section, at in (
        ("d", second, 8),
        ("b", first, 16),
        ("c", second, 0),
        ("a", first, 0),
    ):
        made.symbol(name, section, at, 8)
    assert listed(read(tmp_path / "a.o", made)) == [
        ("a", first, 0, 8),
        ("b", first, 16, 8),
        ("c", second, 0, 8),
        ("d", second, 8, 8),
    ]


def test_of_several_symbols_of_a_place_the_largest_counts_and_of_these_the_first(
    tmp_path: Path,
) -> None:
    made = MadeObject()
    text = made.text(".text", *[NOP] * 16)
    for name, at, size in (("small", 0, 0), ("large", 0, 16), ("alias", 0, 16), ("other", 16, 8)):
        made.symbol(name, text, at, size)
    assert listed(read(tmp_path / "a.o", made)) == [("large", text, 0, 16), ("other", text, 16, 8)]


def test_two_functions_of_a_name_are_two(tmp_path: Path) -> None:
    made = MadeObject()
    text = made.text(".text", *[NOP] * 16)
    made.symbol("twice", text, 0, 8)
    made.symbol("twice", text, 8, 8)
    assert listed(read(tmp_path / "a.o", made)) == [("twice", text, 0, 8), ("twice", text, 8, 8)]


def test_what_is_no_function_in_text_is_left_out(tmp_path: Path) -> None:
    made = MadeObject()
    text = made.text(".text", *[NOP] * 4)
    data = made.section(".data", bytes(16))
    empty = made.section(".bss.text", flags=ALLOC | EXEC, type_=NOBITS)
    made.symbol("label", text, 0, 4, kind=NOTYPE)
    made.symbol("variable", text, 0, 4, kind=OBJECT)
    for section in (data, empty, UNDEF, ABS, 0xFFF2, 0xFE00):
        made.symbol("elsewhere", section, 0, 4)
    assert listed(read(tmp_path / "a.o", made)) == []


@pytest.mark.parametrize("value", [16, 17, 1 << 44, 1 << 63, (1 << 64) - 4])
def test_a_function_beyond_its_section_is_left_out(tmp_path: Path, value: int) -> None:
    made = MadeObject()
    text = made.text(".text", *[NOP] * 4)
    made.symbol("beyond", text, value, 4)
    made.symbol("last", text, 12, 4)
    assert listed(read(tmp_path / "a.o", made)) == [("last", text, 12, 4)]


@pytest.mark.parametrize("size", [9, 1 << 44, 1 << 63, (1 << 64) - 1])
def test_a_function_ends_with_its_section(tmp_path: Path, size: int) -> None:
    made = MadeObject()
    text = made.text(".text", *[NOP] * 4)
    made.symbol("f", text, 8, size)
    assert listed(read(tmp_path / "a.o", made)) == [("f", text, 8, 8)]


def test_in_vmlinux_a_start_counts_from_the_sections_address(tmp_path: Path) -> None:
    made = MadeObject(kind=ET_EXEC)
    text = made.text(".text", *[NOP] * 4, address=ADDRESS)
    for name, value in (("f", ADDRESS + 8), ("before", ADDRESS - 4), ("after", ADDRESS + 16)):
        made.symbol(name, text, value, 4)
    assert listed(read(tmp_path / "vmlinux", made)) == [("f", text, 8, 4)]


def test_a_file_may_have_no_function(tmp_path: Path) -> None:
    obj = read(tmp_path / "a.o", MadeObject())
    functions = functions_of(obj)
    assert len(functions) == 0
    assert functions.at(1, 0) is None
    places = np.array([0, 1], np.int64)
    assert functions.covering(places, places).tolist() == [-1, -1]


@pytest.mark.parametrize(
    ("start", "other", "toc_setup", "local_entry", "pcrel"),
    [
        ((MFLR, NOP), 0, False, 0, False),
        (TOC_SETUP, 0x60, True, 8, False),
        # The words decide, as for the kernel's ppc_function_entry().
        (TOC_SETUP, 0, True, 8, False),
        # .quad before the function: -mcmodel=large.
        ((0xE84CFFF8, 0x7C426214), 0x60, True, 8, False),
        ((MFLR, NOP), 0x60, False, 8, False),
        ((MFLR, NOP), 0x80, False, 16, False),
        ((MFLR, NOP), 0x20, False, 0, True),
        ((MFLR, NOP), 0xE0, False, 0, False),
        ((TOC_SETUP[0], NOP), 0, False, 0, False),
    ],
)
def test_how_a_function_begins(
    tmp_path: Path,
    start: tuple[int, int],
    other: int,
    toc_setup: bool,
    local_entry: int,
    pcrel: bool,
) -> None:
    made = MadeObject()
    made.symbol("f", made.text(".text", *start), 0, 8, other=other)
    functions = functions_of(read(tmp_path / "a.o", made))
    told = functions.toc_setup.tolist(), functions.local_entry.tolist(), functions.pcrel.tolist()
    assert told == ([toc_setup], [local_entry], [pcrel])


def test_a_toc_set_up_that_the_section_cuts_is_none(tmp_path: Path) -> None:
    made = MadeObject()
    made.symbol("f", made.text(".text", NOP, TOC_SETUP[0]), 4, 4)
    assert functions_of(read(tmp_path / "a.o", made)).toc_setup.tolist() == [False]


def made_functions(rows: list[tuple[int, int, int]]) -> Functions:
    """Return functions of (section, start, size)."""
    section, start, size = np.array(rows, np.int64).reshape(-1, 3).T
    none = np.zeros(len(rows), bool)
    return Functions(
        symbol=np.arange(len(rows)),
        section=section,
        start=start,
        size=size,
        toc_setup=none,
        local_entry=np.zeros(len(rows), np.int64),
        pcrel=none,
    )


@pytest.mark.parametrize(
    ("section", "offset", "expected"),
    [
        (1, 0, 0),
        (1, 15, 0),
        (1, 16, -1),
        (1, 24, 1),
        # Assembler does not say how long: its first word at least is its own.
        (1, 27, 1),
        (1, 28, -1),
        (2, 0, -1),
        (2, 8, 2),
        (3, 8, -1),
        (0, 0, -1),
        (1, -1, -1),
        (1, -(1 << 62), -1),
        (2, 1 << 62, -1),
    ],
)
def test_which_function_covers_a_place(section: int, offset: int, expected: int) -> None:
    functions = made_functions([(1, 0, 16), (1, 24, 0), (2, 8, 16)])
    place = np.array([section], np.int64), np.array([offset], np.int64)
    assert functions.covering(*place).tolist() == [expected]


_small = st.integers(0, 40)


@settings(max_examples=40)
@given(
    starts=st.lists(st.tuples(st.integers(1, 3), _small), max_size=8, unique=True),
    sizes=st.lists(_small, min_size=8, max_size=8),
    places=st.lists(st.tuples(st.integers(0, 4), st.integers(-8, 90)), max_size=8),
)
def test_places_are_covered_as_a_look_at_every_function_says(
    starts: list[tuple[int, int]], sizes: list[int], places: list[tuple[int, int]]
) -> None:
    rows = [(*start, size) for start, size in zip(sorted(starts), sizes, strict=False)]
    section, offset = np.array(places, np.int64).reshape(-1, 2).T
    expected = []
    for wanted, at in places:
        before = [n for n, row in enumerate(rows) if row[0] == wanted and row[1] <= at]
        inside = before and at < rows[before[-1]][1] + max(rows[before[-1]][2], 4)
        expected.append(before[-1] if inside else -1)
    assert made_functions(rows).covering(section, offset).tolist() == expected


def test_a_place_behind_an_entry_point_is_none() -> None:
    functions = made_functions([(1, 0, 16), (2, 0, 16)])
    assert [functions.at(1, 0), functions.at(2, 0), functions.at(1, 4)] == [0, 1, None]
    assert functions.at(3, 0) is None
