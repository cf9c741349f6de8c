# SPDX-License-Identifier: GPL-2.0-or-later
"""What an ELF file is: its build ID, and whether it is what was split off another."""

import struct
from pathlib import Path

import pytest

from klp_debug.elf.elf_file import ElfFile, string_at
from tests.support.made_object import ALLOC, EXEC, NOBITS, MadeObject
from tests.support.made_patch import BLR

ID = bytes(range(20))
NOTE = 7


def note(owner: bytes, kind: int, description: bytes) -> bytes:
    padded = owner + bytes(-len(owner) % 4), description + bytes(-len(description) % 4)
    return struct.pack("<III", len(owner), len(description), kind) + b"".join(padded)


def file(path: Path, *notes: bytes, name: str = ".notes") -> ElfFile:
    made = MadeObject()
    for data in notes:
        made.section(name, data, ALLOC, NOTE)
    return ElfFile(made.write(path))


GNU = note(b"GNU\0", 3, ID)


@pytest.mark.parametrize(
    ("notes", "expected"),
    [
        ((GNU,), ID),
        # As vmlinux has them, in one section.
        ((note(b"Linux\0", 257, b"abcde") + GNU,), ID),
        ((note(b"Linux\0", 3, ID), GNU), ID),
        ((), None),
        ((note(b"Linux\0", 3, ID),), None),
        ((note(b"GNU\0", 1, ID),), None),
        ((note(b"GNU\0", 3, b""),), None),
        ((GNU[:-1],), None),
        ((GNU[:11],), None),
        ((struct.pack("<III", 0xFFFFFFFF, 0xFFFFFFFF, 3) + GNU,), None),
    ],
)
def test_the_build_id(tmp_path: Path, notes: tuple[bytes, ...], expected: bytes | None) -> None:
    assert file(tmp_path / "a.ko", *notes).build_id == expected


def test_only_notes_are_read(tmp_path: Path) -> None:
    made = MadeObject()
    made.section(".note.gnu.build-id", GNU)
    assert ElfFile(made.write(tmp_path / "a.ko")).build_id is None


def test_a_file_whose_text_was_left_out_is_one_of_debugging_information(tmp_path: Path) -> None:
    made = MadeObject()
    made.section(".text", bytes(8), ALLOC | EXEC, NOBITS)
    assert ElfFile(made.write(tmp_path / "a.ko.debug")).is_debug_file


def test_a_module_has_sections_for_stubs_that_are_empty_yet(tmp_path: Path) -> None:
    made = MadeObject()
    made.section(".stubs", b"", ALLOC | EXEC, NOBITS)
    assert not ElfFile(made.write(tmp_path / "a.ko")).is_debug_file
    made.text(".text", BLR)
    made.section(".text.late", bytes(8), ALLOC | EXEC, NOBITS)
    assert not ElfFile(made.write(tmp_path / "a.ko")).is_debug_file


def test_a_module_without_text_is_whole(tmp_path: Path) -> None:
    made = MadeObject()
    made.section(".text", b"", ALLOC | EXEC)
    made.section(".bss", bytes(8), ALLOC, NOBITS)
    assert not ElfFile(made.write(tmp_path / "a.ko")).is_debug_file


def test_a_string_without_an_end_is_cut() -> None:
    assert string_at(b"\0ab\0", 1) == "ab"
    assert len(string_at(b"a" * 5000, 0)) == 1024
