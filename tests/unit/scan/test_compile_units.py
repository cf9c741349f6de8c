# SPDX-License-Identifier: GPL-2.0-or-later
"""The compile unit of each place, by .debug_aranges; nothing is said where that is damaged."""

import itertools
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from klp_debug.elf.object_file import ObjectFile
from klp_debug.scan.compile_units import units_of
from tests.support.made_dwarf import Unit, add_debug_info
from tests.support.made_object import (
    ADDR64,
    ALLOC,
    COMPRESSED,
    ET_EXEC,
    ET_REL,
    EXEC,
    NOBITS,
    REL32,
    SECTION,
    MadeObject,
)
from tests.support.made_patch import NOP

ADDRESS = 0xC000000000010000
TEXT, OTHER = 1, 2
"""Numbers of the sections of text."""

Range = tuple[int, int, int]
"""Section, offset and size."""


def empty(kind: int) -> MadeObject:
    made = MadeObject(kind=kind)
    loaded = kind == ET_EXEC
    assert made.text(".text", *[NOP] * 64, address=ADDRESS * loaded) == TEXT
    assert made.text(".text.unlikely", *[NOP] * 64, address=(ADDRESS + 0x1000) * loaded) == OTHER
    return made


def units_at(path: Path, made: MadeObject, *places: tuple[int, int]) -> list[int] | None:
    """Return the units of (section, offset) places."""
    section, offset = np.array(places, np.int64).reshape(-1, 2).T
    units = units_of(ObjectFile(made.write(path)), section, offset)
    return None if units is None else units.tolist()


def with_units(kind: int, *units: list[Range]) -> MadeObject:
    made = empty(kind)
    add_debug_info(made, *(Unit(f"{n}.c", ranges=ranges) for n, ranges in enumerate(units)))
    return made


BOTH_KINDS = pytest.mark.parametrize("kind", [ET_REL, ET_EXEC])


@BOTH_KINDS
def test_each_place_has_the_unit_whose_range_covers_it(tmp_path: Path, kind: int) -> None:
    made = with_units(kind, [(TEXT, 64, 16), (OTHER, 0, 8)], [(TEXT, 0, 32)])
    places = [(TEXT, at) for at in (0, 31, 32, 63, 64, 79, 80)]
    assert units_at(tmp_path / "a", made, *places) == [1, 1, -1, -1, 0, 0, -1]
    assert units_at(tmp_path / "a", made, (OTHER, 0), (OTHER, 7), (OTHER, 8)) == [0, 0, -1]


@BOTH_KINDS
def test_no_place_gives_no_unit(tmp_path: Path, kind: int) -> None:
    assert units_at(tmp_path / "a", with_units(kind, [(TEXT, 0, 32)])) == []


@BOTH_KINDS
def test_an_empty_range_covers_nothing(tmp_path: Path, kind: int) -> None:
    made = with_units(kind, [(TEXT, 0, 64)], [(TEXT, 16, 0)])
    assert units_at(tmp_path / "a", made, (TEXT, 16), (TEXT, 20)) == [0, 0]


@BOTH_KINDS
def test_the_number_is_that_of_the_unit_in_the_table(tmp_path: Path, kind: int) -> None:
    """So two units are never taken for one, whatever they are called."""
    made = with_units(kind, *([(TEXT, 8 * n, 8)] for n in range(8)))
    places = [(TEXT, 8 * n) for n in range(8)]
    assert units_at(tmp_path / "a", made, *places) == list(range(8))


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cuts=st.lists(st.integers(0, 256), min_size=2, max_size=8, unique=True).map(sorted),
    places=st.lists(st.integers(0, 300), min_size=1, max_size=8),
    kind=st.sampled_from([ET_REL, ET_EXEC]),
)
def test_any_places_of_any_ranges(
    tmp_path: Path, cuts: list[int], places: list[int], kind: int
) -> None:
    spans = list(itertools.pairwise(cuts))[::2]
    made = with_units(kind, *([(TEXT, start, end - start)] for start, end in spans))
    expected = [
        next((n for n, (start, end) in enumerate(spans) if start <= at < end), -1) for at in places
    ]
    assert units_at(tmp_path / "a", made, *((TEXT, at) for at in places)) == expected


def test_without_the_table_nothing_is_said(tmp_path: Path) -> None:
    assert units_at(tmp_path / "a.o", empty(ET_REL), (TEXT, 0)) is None
    made = empty(ET_REL)
    add_debug_info(made, Unit())
    assert units_at(tmp_path / "a.o", made, (TEXT, 0)) is None


@BOTH_KINDS
@pytest.mark.parametrize(
    ("data", "flags", "type_"),
    [
        (b"", 0, 1),
        (bytes(3), 0, 1),
        (bytes(64), COMPRESSED, 1),
        (bytes(64), ALLOC | EXEC, NOBITS),
    ],
)
def test_a_table_without_sets_says_nothing(
    tmp_path: Path, kind: int, data: bytes, flags: int, type_: int
) -> None:
    made = empty(kind)
    made.section(".debug_aranges", data, flags, type_)
    assert units_at(tmp_path / "a", made, (TEXT, 0)) is None


def one_set(start: int, size: int, *, address: int = 8, segment: int = 0, longer: int = 0) -> bytes:
    """Return a set with one range."""
    header = struct.pack("<IHIBBxxxx", 44 + longer, 2, 0, address, segment)
    return header + struct.pack("<4Q", start, size, 0, 0)


GOOD = one_set(ADDRESS, 16)


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(one_set(ADDRESS + 16, 16, address=4), id="32-bit addresses"),
        pytest.param(one_set(ADDRESS + 16, 16, segment=2), id="segments"),
        pytest.param(one_set(ADDRESS + 16, 16, longer=1), id="longer than the section"),
        pytest.param(one_set(ADDRESS + 16, 16, longer=0xFFFFFFFF - 44), id="64-bit DWARF"),
        pytest.param(one_set(ADDRESS + 16, 16, longer=-44), id="shorter than its header"),
        pytest.param(one_set(ADDRESS + 16, 16)[:15], id="half a header"),
        pytest.param(one_set(ADDRESS + 16, 16)[:-1], id="cut"),
    ],
)
def test_a_damaged_set_is_not_read(tmp_path: Path, bad: bytes) -> None:
    made = empty(ET_EXEC)
    made.section(".debug_aranges", GOOD + bad, 0)
    assert units_at(tmp_path / "vmlinux", made, (TEXT, 0), (TEXT, 16)) == [0, -1]
    made = empty(ET_EXEC)
    made.section(".debug_aranges", bad, 0)
    assert units_at(tmp_path / "vmlinux", made, (TEXT, 0)) is None


def test_nothing_is_read_behind_a_damaged_set(tmp_path: Path) -> None:
    """Where the next begins is not known."""
    made = empty(ET_EXEC)
    bad = one_set(ADDRESS + 16, 16, address=4)
    made.section(".debug_aranges", GOOD + bad + one_set(ADDRESS + 32, 16), 0)
    assert units_at(tmp_path / "vmlinux", made, (TEXT, 0), (TEXT, 32)) == [0, -1]


def test_a_range_to_the_end_of_all_addresses_covers_what_is_behind_its_start(
    tmp_path: Path,
) -> None:
    made = empty(ET_EXEC)
    made.section(".debug_aranges", one_set(ADDRESS + 16, (1 << 64) - 1), 0)
    assert units_at(tmp_path / "vmlinux", made, (TEXT, 0), (TEXT, 16), (OTHER, 0)) == [-1, 0, 0]


@pytest.mark.parametrize(
    ("type_", "at", "symbol", "addend", "expected"),
    [
        (ADDR64, 16, "text", 16, [-1, 0]),
        (ADDR64, 16, "text", 0, [0, -1]),
        # None of these says where the range is; so it is of a section that was dropped.
        (REL32, 16, "text", 16, [-1, -1]),
        (ADDR64, 17, "text", 16, [-1, -1]),
        (ADDR64, 48, "text", 16, [-1, -1]),
        (ADDR64, 1 << 62, "text", 16, [-1, -1]),
        (ADDR64, 16, "text", -1, [-1, -1]),
        (ADDR64, 16, "beyond", 16, [-1, -1]),
        (ADDR64, 16, "reserved", 16, [-1, -1]),
        (ADDR64, 16, "undefined", 16, [-1, -1]),
    ],
)
def test_only_a_sound_relocation_says_where_a_range_is(
    tmp_path: Path, type_: int, at: int, symbol: str, addend: int, expected: list[int]
) -> None:
    made = empty(ET_REL)
    table = made.section(".debug_aranges", one_set(0, 16), 0)
    symbols = {
        "text": made.symbol("", TEXT, kind=SECTION),
        "undefined": made.symbol("undefined", 0),
        "reserved": made.symbol("reserved", 0xFFF1),
        "beyond": 4096,
    }
    made.relocate(table, at, type_, symbols[symbol], addend)
    assert units_at(tmp_path / "a.o", made, (TEXT, 0), (TEXT, 16)) == expected


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=120), kind=st.sampled_from([ET_REL, ET_EXEC]))
def test_any_bytes_give_units_or_nothing(tmp_path: Path, data: bytes, kind: int) -> None:
    made = empty(kind)
    table = made.section(".debug_aranges", GOOD[:8] + data, 0)
    made.relocate(table, 16, ADDR64, made.symbol("", TEXT, kind=SECTION), 0)
    units = units_at(tmp_path / "a", made, (TEXT, 0), (OTHER, 8))
    assert units is None or len(units) == 2
