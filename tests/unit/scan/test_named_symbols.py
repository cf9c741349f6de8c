# SPDX-License-Identifier: GPL-2.0-or-later
"""The symbols of a name, by the positions that livepatch gives them."""

from pathlib import Path

import pytest

from klp_debug.elf.object_file import ObjectFile
from klp_debug.scan.named_symbols import clones_of, debug_info_knows, symbols_named
from tests.support.made_object import (
    ABS,
    ET_EXEC,
    LIVEPATCH,
    NOBITS,
    NOTYPE,
    OBJECT,
    SECTION,
    UNDEF,
    MadeObject,
)
from tests.support.made_patch import NOP

FILE = 4
ADDRESS = 0xC000000000010000


def read(path: Path, made: MadeObject) -> ObjectFile:
    return ObjectFile(made.write(path))


def test_in_a_module_positions_follow_the_symbol_table(tmp_path: Path) -> None:
    made = MadeObject()
    first, second = (made.text(name, *[NOP] * 8) for name in (".text", ".text.unlikely"))
    for section, at in ((second, 4), (first, 16), (first, 8)):
        made.symbol("f", section, at, 4)
    found = symbols_named(read(tmp_path / "a.ko", made), "f")
    assert [(one.position, one.section, one.offset, one.address) for one in found] == [
        (1, second, 4, 4),
        (2, first, 16, 16),
        (3, first, 8, 8),
    ]
    assert str(found[0]) == "1: .text.unlikely 0x4"


def test_in_vmlinux_positions_follow_the_addresses(tmp_path: Path) -> None:
    """As in kallsyms, which is in their order; sections need not be."""
    made = MadeObject(kind=ET_EXEC)
    high = made.text(".text", *[NOP] * 8, address=ADDRESS)
    low = made.text(".head.text", *[NOP] * 8, address=ADDRESS - 0x100)
    for section, at in ((high, ADDRESS + 8), (low, ADDRESS - 0xFC), (high, ADDRESS)):
        made.symbol("f", section, at, 4)
    found = symbols_named(read(tmp_path / "vmlinux", made), "f")
    assert [(one.position, one.section, one.offset, one.address) for one in found] == [
        (1, low, 4, ADDRESS - 0xFC),
        (2, high, 0, ADDRESS),
        (3, high, 8, ADDRESS + 8),
    ]
    assert str(found[1]) == f"2: .text {ADDRESS:#x}"


def test_a_name_that_is_not_there_has_no_symbol(tmp_path: Path) -> None:
    made = MadeObject()
    made.symbol("f", made.text(".text", NOP), 0, 4)
    obj = read(tmp_path / "a.ko", made)
    assert [symbols_named(obj, name) for name in ("g", "F", "ff", "f ")] == [[], [], [], []]


def test_the_tail_of_another_name_is_no_name(tmp_path: Path) -> None:
    """A linker may keep f as the end of do_f: the string table does not tell, the symbols do."""
    made = MadeObject()
    text = made.text(".text", *[NOP] * 4)
    made.symbol("do_f", text, 0, 4)
    made.symbol("f", text, 4, 4)
    made.symbol("f2", text, 8, 4)
    (one,) = symbols_named(read(tmp_path / "a.ko", made), "f")
    assert one.offset == 4


def test_a_name_that_the_linker_merged_into_the_tail_of_another_is_found(tmp_path: Path) -> None:
    made = MadeObject()
    text = made.text(".text", *[NOP] * 4)
    made.symbol("do_f", text, 0, 4)
    made.symbol("f", text, 4, 4)
    path = made.write(tmp_path / "a.ko")
    obj = ObjectFile(path)
    (symtab,) = (section for section in obj.sections if section.name == ".symtab")
    content = bytearray(path.read_bytes())
    # The second symbol's st_name: from behind "\0do_f\0" to the f in it.
    at = symtab.offset + 2 * 24
    assert int.from_bytes(content[at : at + 4], "little") == 6
    content[at : at + 4] = (4).to_bytes(4, "little")
    path.write_bytes(content)
    (one,) = symbols_named(ObjectFile(path), "f")
    assert one.offset == 4


def test_data_counts_and_two_symbols_of_one_place_are_one(tmp_path: Path) -> None:
    made = MadeObject()
    text = made.text(".text", *[NOP] * 4)
    made.symbol("f", text, 4, 4)
    made.symbol("f", text, 4, 0, NOTYPE)
    made.symbol("f", made.section(".bss", bytes(8), type_=NOBITS), 4, 4, OBJECT)
    found = symbols_named(read(tmp_path / "a.ko", made), "f")
    assert [(one.position, one.section_name) for one in found] == [(1, ".text"), (2, ".bss")]


@pytest.mark.parametrize(
    ("section", "kind"),
    [
        (UNDEF, NOTYPE),
        (ABS, NOTYPE),
        (LIVEPATCH, NOTYPE),
        (99, OBJECT),
        (5, OBJECT),
        (1, SECTION),
        (1, FILE),
    ],
)
def test_what_kallsyms_of_the_object_does_not_have_is_no_symbol(
    tmp_path: Path, section: int, kind: int
) -> None:
    """.text, .symtab, .strtab and .shstrtab are four sections, besides the null one."""
    made = MadeObject()
    made.text(".text", NOP)
    made.symbol("f", section, 0, 4, kind)
    assert symbols_named(read(tmp_path / "a.ko", made), "f") == []


def test_clones_are_told_by_their_names(tmp_path: Path) -> None:
    made = MadeObject()
    text = made.text(".text", NOP)
    for name in ("f", "f.part.0", "f.isra.0.cold", "f.constprop.0", "f_isra.0", "do_f.isra.0"):
        made.symbol(name, text, 0, 4)
    obj = read(tmp_path / "a.ko", made)
    assert clones_of(obj, "f") == ["f.constprop.0", "f.isra.0.cold", "f.part.0"]
    assert clones_of(obj, "do_f") == ["do_f.isra.0"]
    assert clones_of(obj, "isra") == []


def test_very_many_clones_are_cut(tmp_path: Path) -> None:
    made = MadeObject()
    text = made.text(".text", NOP)
    for number in range(100):
        made.symbol(f"f.{number}", text, 0, 4)
    assert len(clones_of(read(tmp_path / "a.ko", made), "f")) == 64


@pytest.mark.parametrize(
    ("strings", "knows"),
    [
        (b"\0f\0g\0", True),
        (b"\0g\0f\0", True),
        (b"\0do_f\0", False),
        (b"\0f2\0", False),
        (b"\0f", False),
        (b"", False),
        (None, False),
    ],
)
def test_the_strings_of_debugging_information_have_whole_names(
    tmp_path: Path, strings: bytes | None, knows: bool
) -> None:
    made = MadeObject()
    # The same bytes elsewhere are no strings of it.
    made.section(".rodata", b"\0f\0")
    if strings is not None:
        made.section(".debug_str", strings, flags=0)
    made.section(".data", b"\0f\0")
    assert debug_info_knows(read(tmp_path / "a.ko", made), "f") is knows
