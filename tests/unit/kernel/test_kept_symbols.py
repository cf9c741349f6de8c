# SPDX-License-Identifier: GPL-2.0-or-later
"""A module's symbols as each kernel leaves them: with its letters in ``st_info`` or ``st_size``."""

import struct

import numpy as np
import pytest

from klp_debug.elf.format import SYMBOL
from klp_debug.kernel.kept_symbols import as_elf_had_them
from tests.support.memory import MemoryProgram

FILE, SECTION, FUNC, OBJECT, NOTYPE, WEAK_FUNC = 4, 3, 2, 1, 0, 0x22
# Name, st_info of the .ko, elf_type()'s letter, size, of a module as gcc compiles it.
SYMBOLS = [
    (0, NOTYPE, "U", 0),
    (1, FILE, "a", 0),
    (0, SECTION, "t", 0),
    (0, SECTION, "b", 0),
    (9, 0x10 | FUNC, "t", 0x38),
    (17, WEAK_FUNC, "w", 0x10),
    (25, OBJECT, "b", 8),
    (31, 0x10 | OBJECT, "d", 0x100),
    (40, 0x10 | NOTYPE, "U", 0),
    (48, OBJECT, "r", 0x20),
]
NOW = [info & 0xF for _, info, _, _ in SYMBOLS]
SIZES = [size for *_, size in SYMBOLS]


def kept(*, info: bool, size: bool, typetab: bool = False) -> tuple[list[int], list[int]]:
    """Return types and sizes of what a kernel keeps that wrote its letters over info or size."""
    program = MemoryProgram()
    members = {"symtab": program.u64} | ({"typetab": program.u64} if typetab else {})
    program.struct("mod_kallsyms", **members)
    data = b"".join(
        struct.pack(
            "<IBBHQQ",
            name,
            ord(letter) if info else elf_info,
            0,
            5,
            0xC008000000000000,
            ord(letter) if size else elf_size,
        )
        for name, elf_info, letter, elf_size in SYMBOLS
    )
    symbols = as_elf_had_them(np.frombuffer(data, SYMBOL), program.at("mod_kallsyms", 0x1000))
    return (symbols["info"] & 0xF).tolist(), symbols["size"].tolist()


@pytest.mark.parametrize("typetab", [False, True])
def test_as_they_were(typetab: bool) -> None:
    assert kept(info=False, size=False, typetab=typetab) == (NOW, SIZES)


def test_letters_in_the_type() -> None:
    types, sizes = kept(info=True, size=False)
    # An undefined symbol and a file have no address that could be of the module's.
    told = [
        (NOTYPE if now in (FILE, NOTYPE) or letter == "U" else now)
        for now, (_, _, letter, _) in zip(NOW, SYMBOLS, strict=True)
    ]
    told[0] = SECTION  # it has no name
    assert types == told
    assert sizes == SIZES


def test_letters_in_the_size() -> None:
    assert kept(info=False, size=True) == (NOW, [0] * len(SYMBOLS))


def test_no_symbols() -> None:
    program = MemoryProgram()
    program.struct("mod_kallsyms", symtab=program.u64)
    empty = np.empty(0, SYMBOL)
    assert len(as_elf_had_them(empty, program.at("mod_kallsyms", 0x1000))) == 0
