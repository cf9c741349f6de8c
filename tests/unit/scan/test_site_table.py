# SPDX-License-Identifier: GPL-2.0-or-later
"""Where the mcount sites are, by each of the lists that a file may have."""

import struct
from pathlib import Path

import pytest

from klp_debug.elf.format import RELOCATION
from klp_debug.elf.object_file import ObjectFile
from klp_debug.scan.site_table import SiteTable, site_table_of, targets
from tests.support.made_object import (
    ABS,
    ADDR64,
    ALLOC,
    ET_EXEC,
    NOTYPE,
    REL24,
    REL32,
    RELA,
    RELATIVE,
    UNDEF,
    MadeObject,
)
from tests.support.made_patch import BL, BLR, MFLR, NOP, TOC_SETUP

ADDRESS = 0xC000000000010000
CALLS, PATCHABLE = "__mcount_loc", "__patchable_function_entries"


def table_of(path: Path, made: MadeObject) -> SiteTable:
    return site_table_of(ObjectFile(made.write(path)))


def places(table: SiteTable) -> list[tuple[int, int]]:
    return list(zip(table.section.tolist(), table.offset.tolist(), strict=True))


def call_mcount(made: MadeObject, text: int, *offsets: int) -> None:
    mcount = made.symbol("_mcount", UNDEF, kind=NOTYPE)
    for offset in offsets:
        made.relocate(text, offset, REL24, mcount)


def test_a_file_may_have_no_site(tmp_path: Path) -> None:
    made = MadeObject()
    made.text(".text", MFLR, BLR)
    table = table_of(tmp_path / "a.o", made)
    assert (places(table), table.sources, table.unlisted.tolist()) == ([], (), [])
    assert (table.patchable, table.two_nops) == (False, False)


@pytest.mark.parametrize("name", [CALLS, PATCHABLE])
def test_an_empty_list_names_no_site(tmp_path: Path, name: str) -> None:
    made = MadeObject()
    made.section(name)
    table = table_of(tmp_path / "a.o", made)
    assert (places(table), table.sources) == ([], (name,))
    assert not table.patchable


def test_mcount_loc_lists_sites_by_its_relocations(tmp_path: Path) -> None:
    """In whatever order, and one that is named twice once."""
    made = MadeObject()
    first = made.text(".text", MFLR, BL, BLR, MFLR, BL, BLR)
    second = made.text(".text.unlikely", MFLR, BL, BLR)
    made.list_sites(second, 4)
    made.list_sites(first, 16, 4, 16)
    table = table_of(tmp_path / "a.o", made)
    assert places(table) == [(first, 4), (first, 16), (second, 4)]
    assert (table.sources, table.patchable) == ((CALLS,), False)


def test_calls_of_mcount_are_sites_before_recordmcount_ran(tmp_path: Path) -> None:
    made = MadeObject()
    text = made.text(".text", MFLR, BL, BLR, MFLR, BL, BL)
    data = made.section(".data", bytes(8))
    call_mcount(made, text, 16, 4)
    made.relocate(text, 20, REL24, made.symbol("other", UNDEF, kind=NOTYPE))
    call_mcount(made, data, 0)
    table = table_of(tmp_path / "a.o", made)
    assert places(table) == [(text, 4), (text, 16)]
    assert table.sources == ("calls of _mcount",)
    assert table.unlisted.tolist() == [[text, 4], [text, 16]]


def test_calls_that_the_list_does_not_name_are_told_apart(tmp_path: Path) -> None:
    made = MadeObject()
    text = made.text(".text", MFLR, BL, BLR, MFLR, BL, BLR)
    call_mcount(made, text, 4, 16)
    made.list_sites(text, 4)
    table = table_of(tmp_path / "a.o", made)
    assert places(table) == [(text, 4)]
    assert table.unlisted.tolist() == [[text, 16]]


@pytest.mark.parametrize(
    ("words", "listed", "expected", "two_nops"),
    [
        # -fpatchable-function-entry=2: of the two nops, the second is switched.
        ((NOP, NOP, BLR), 0, 4, True),
        # One nop is for an out-of-line stub.
        ((NOP, BLR), 0, 0, False),
        # gcc lists the nop behind a TOC set-up.
        ((*TOC_SETUP, NOP, BLR), 8, 8, False),
        # clang lists the global entry point before it.
        ((*TOC_SETUP, NOP, BLR), 0, 8, False),
        ((*TOC_SETUP, NOP, NOP), 0, 12, True),
    ],
)
def test_a_patchable_site_is_the_nop_that_ftrace_switches(
    tmp_path: Path, words: tuple[int, ...], listed: int, expected: int, two_nops: bool
) -> None:
    made = MadeObject()
    text = made.text(".text", *words)
    made.list_sites(text, listed, name=PATCHABLE)
    table = table_of(tmp_path / "a.o", made)
    assert places(table) == [(text, expected)]
    assert (table.sources, table.patchable, table.two_nops) == ((PATCHABLE,), True, two_nops)


def test_one_function_that_goes_on_with_a_nop_makes_no_second_nop(tmp_path: Path) -> None:
    made = MadeObject()
    text = made.text(".text", NOP, NOP, BLR, NOP, BLR)
    made.list_sites(text, 0, 12, name=PATCHABLE)
    table = table_of(tmp_path / "a.o", made)
    assert places(table) == [(text, 0), (text, 12)]
    assert (table.patchable, table.two_nops) == (True, False)


def test_sites_of_which_one_is_no_nop_are_not_patchable(tmp_path: Path) -> None:
    made = MadeObject()
    text = made.text(".text", NOP, BLR, BL, BLR)
    made.list_sites(text, 0, 8)
    assert not table_of(tmp_path / "a.o", made).patchable


def test_relocations_that_name_no_place_of_the_file_are_left_out(tmp_path: Path) -> None:
    made = MadeObject()
    text = made.text(".text", MFLR, BL, BLR)
    made.list_sites(text, 4)
    made.list_sites(text, 8, type_=REL32)
    for number in (ABS, UNDEF):
        listed = made.section(CALLS, bytes(8))
        made.relocate(listed, 0, ADDR64, made.symbol("elsewhere", number, 8, kind=NOTYPE))
    made.relocate(made.section(CALLS, bytes(8)), 0, ADDR64, 4096, 8)
    table = table_of(tmp_path / "a.o", made)
    assert (places(table), table.sources) == ([(text, 4)], (CALLS,))


def test_a_site_beyond_its_section_is_a_place_without_words(tmp_path: Path) -> None:
    """So it is in no function, and no nop."""
    made = MadeObject()
    text = made.text(".text", NOP, NOP)
    made.list_sites(text, 0, 1 << 40, -8, name=PATCHABLE)
    table = table_of(tmp_path / "a.o", made)
    assert places(table) == [(text, -8), (text, 0), (text, 1 << 40)]
    assert not table.patchable


def vmlinux(addresses: list[int], text: tuple[int, ...] = (MFLR, BL, BLR)) -> MadeObject:
    """Return a vmlinux with a list of sites between the linker's two symbols."""
    made = MadeObject(kind=ET_EXEC)
    made.text(".text", *text, address=ADDRESS)
    data = struct.pack(f"<{len(addresses)}Q", *addresses)
    listed = made.section(".init.data", bytes(8) + data + bytes(8), address=ADDRESS + 0x1000)
    for name, at in (("start", 8), ("stop", 8 + len(data))):
        made.symbol(f"__{name}_mcount_loc", listed, ADDRESS + 0x1000 + at, kind=NOTYPE)
    return made


def test_vmlinux_has_its_list_between_two_symbols(tmp_path: Path) -> None:
    """Zeros in it are of weak functions that the linker dropped."""
    table = table_of(tmp_path / "vmlinux", vmlinux([ADDRESS + 8, 0, ADDRESS + 4]))
    assert (places(table), table.sources) == ([(1, 4), (1, 8)], (CALLS,))


def test_the_list_of_vmlinux_may_be_a_section_of_its_own(tmp_path: Path) -> None:
    made = MadeObject(kind=ET_EXEC)
    text = made.text(".text", MFLR, BL, BLR, address=ADDRESS)
    listed = made.section(CALLS, struct.pack("<Q", ADDRESS + 4), address=ADDRESS + 0x1000)
    for name, at in (("start", 0x1000), ("stop", 0x1008)):
        made.symbol(f"__{name}_mcount_loc", listed, ADDRESS + at, kind=NOTYPE)
    assert places(table_of(tmp_path / "vmlinux", made)) == [(text, 4)]


@pytest.mark.parametrize("address", [4, ADDRESS - 4, ADDRESS + 12, ADDRESS + 0x1000, (1 << 64) - 4])
def test_an_address_in_no_text_is_no_site(tmp_path: Path, address: int) -> None:
    table = table_of(tmp_path / "vmlinux", vmlinux([address, ADDRESS + 4]))
    assert places(table) == [(1, 4)]


def test_each_address_is_sought_in_the_section_that_has_it(tmp_path: Path) -> None:
    """Sections are not in the order of their addresses."""
    made = vmlinux([ADDRESS - 0x100, ADDRESS + 4, ADDRESS - 0xF4])
    before = made.text(".head.text", MFLR, BL, BLR, address=ADDRESS - 0x100)
    assert places(table_of(tmp_path / "vmlinux", made)) == [(1, 4), (before, 0)]


def test_a_vmlinux_without_text_has_no_site(tmp_path: Path) -> None:
    made = MadeObject(kind=ET_EXEC)
    data = made.section(".data", struct.pack("<Q", ADDRESS), address=ADDRESS)
    made.symbol("__start_mcount_loc", data, ADDRESS, kind=NOTYPE)
    made.symbol("__stop_mcount_loc", data, ADDRESS + 8, kind=NOTYPE)
    assert places(table_of(tmp_path / "vmlinux", made)) == []


@pytest.mark.parametrize("end", ["start", "stop"])
def test_a_vmlinux_without_one_of_the_symbols_has_no_list(tmp_path: Path, end: str) -> None:
    made = MadeObject(kind=ET_EXEC)
    text = made.text(".text", MFLR, BL, BLR, address=ADDRESS)
    made.symbol(f"__{end}_mcount_loc", text, ADDRESS, kind=NOTYPE)
    table = table_of(tmp_path / "vmlinux", made)
    assert (places(table), table.sources) == ([], ())


@pytest.mark.parametrize(
    ("start", "stop"),
    [(0x1010, 0x1008), (0x1008, 0x9000), (0x8000, 0x8010), (0x1008, 0x1008)],
)
def test_symbols_that_enclose_no_list_name_no_site(tmp_path: Path, start: int, stop: int) -> None:
    made = MadeObject(kind=ET_EXEC)
    made.text(".text", MFLR, BL, BLR, address=ADDRESS)
    data = made.section(".data", struct.pack("<4Q", *[ADDRESS + 4] * 4), address=ADDRESS + 0x1000)
    made.symbol("__start_mcount_loc", data, ADDRESS + start, kind=NOTYPE)
    made.symbol("__stop_mcount_loc", data, ADDRESS + stop, kind=NOTYPE)
    assert places(table_of(tmp_path / "vmlinux", made)) == []


def test_a_relocatable_vmlinux_has_its_list_in_rela_dyn(tmp_path: Path) -> None:
    made = vmlinux([0, 0, 0])
    start = ADDRESS + 0x1008
    rows = [
        (start, RELATIVE, ADDRESS + 4),
        (start + 8, RELATIVE, ADDRESS + 8),
        (start + 16, ADDR64, ADDRESS),
        # Outside of the list: before it, and at its end.
        (start - 8, RELATIVE, ADDRESS),
        (start + 24, RELATIVE, ADDRESS),
    ]
    data = b"".join(
        struct.pack("<QIIQ", offset, type_, 0, addend) for offset, type_, addend in rows
    )
    made.section(".rela.dyn", data, ALLOC, RELA)
    assert places(table_of(tmp_path / "vmlinux", made)) == [(1, 4), (1, 8)]


def test_a_vmlinux_with_a_list_of_zeros_and_no_rela_dyn_has_no_site(tmp_path: Path) -> None:
    table = table_of(tmp_path / "vmlinux", vmlinux([0, 0]))
    assert (places(table), table.sources) == ([], (CALLS,))


def test_relocations_lead_to_where_symbol_and_addend_say(tmp_path: Path) -> None:
    made = MadeObject()
    text = made.text(".text", *[NOP] * 8)
    known = made.symbol("known", text, 8)
    for symbol, addend in ((known, 4), (known, -8), (made.symbol("abs", ABS, 8), 0), (99, 0)):
        made.relocate(text, 0, ADDR64, symbol, addend)
    obj = ObjectFile(made.write(tmp_path / "a.o"))
    found = targets(obj, obj.relocations(text))
    assert found.tolist() == [[text, 12], [text, 0]]
    assert targets(obj, obj.relocations(text)[:0].astype(RELOCATION)).shape == (0, 2)
