# SPDX-License-Identifier: GPL-2.0-or-later
"""
Where the compiler put the mcount sites: what the ELF files say, read without klp-debug.

``__mcount_loc`` lists those of vmlinux; a module's file has a section of that name, or
``__patchable_function_entries``. The kernel makes its ftrace records of that list.
"""

import bisect
import functools
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from elftools.elf.elffile import ELFFile
from elftools.elf.relocation import RelocationSection
from elftools.elf.sections import SymbolTableSection

_NOP = struct.pack("<I", 0x60000000)
_SYMBOL = struct.Struct("<IBBHQQ")  # Elf64_Sym: name, info, other, shndx, value, size
_STT_FUNC = 2

_Read = Callable[[int, int], bytes]
"""Reads (address, size in bytes) of what the file loads."""


@dataclass(frozen=True)
class CompiledSites:
    """The sites of vmlinux or of a module's file; in a module an address is no real one yet."""

    sites: tuple[int, ...]
    """Addresses, sorted, of the words that ftrace switches."""
    functions: dict[str, list[tuple[int, int]]]
    """Name -> (address, size in bytes) of each function of that name, by address."""

    def offset(self, name: str, position: int = 1) -> int | None:
        """Return the bytes from a function's global entry point to its site; None without one."""
        address, size = self.functions[name][position - 1]
        index = bisect.bisect_left(self.sites, address)
        if index == len(self.sites) or self.sites[index] >= address + size:
            return None
        return self.sites[index] - address


@functools.cache
def compiled_sites(path: Path) -> CompiledSites:
    """Read a vmlinux or a module's file."""
    with path.open("rb") as file:
        elf = ELFFile(file)
        symbols = list(_symbols(elf))
        is_module = elf["e_type"] == "ET_REL"
        read = _module_reader(elf) if is_module else _vmlinux_reader(elf)
        listed = _of_module(elf) if is_module else _of_vmlinux(symbols, read)
        functions: dict[str, list[tuple[int, int]]] = {}
        for symbol in sorted(symbols, key=lambda one: one.address):
            if symbol.is_function:
                functions.setdefault(symbol.name, []).append((symbol.address, symbol.size))
        return CompiledSites(tuple(sorted(_switched(read, listed))), functions)


class _Symbol(NamedTuple):
    name: str
    is_function: bool
    address: int
    size: int


def _in_section(section: int, offset: int) -> int:
    """Return an address for a place in a module's file, whose sections have none yet."""
    return section << 32 | offset


def _symbol_table(elf: ELFFile) -> SymbolTableSection:
    (table,) = (s for s in elf.iter_sections() if s.name == ".symtab")
    assert isinstance(table, SymbolTableSection)
    return table


def _symbols(elf: ELFFile) -> Iterator[_Symbol]:
    table = _symbol_table(elf)
    strings = elf.get_section(table["sh_link"]).data()
    for name, info, _, section, value, size in _SYMBOL.iter_unpack(table.data()):
        text = strings[name : strings.index(b"\0", name)].decode()
        address = _in_section(section, value) if elf["e_type"] == "ET_REL" else value
        yield _Symbol(text, info & 0xF == _STT_FUNC, address, size)


def _vmlinux_reader(elf: ELFFile) -> _Read:
    segment = next(elf.iter_segments("PT_LOAD"))
    data: bytes = segment.data()
    start: int = segment["p_vaddr"]
    return lambda address, size: data[address - start : address - start + size]


def _module_reader(elf: ELFFile) -> _Read:
    sections: list[bytes] = [section.data() for section in elf.iter_sections()]

    def read(address: int, size: int) -> bytes:
        section, offset = divmod(address, 1 << 32)
        return sections[section][offset : offset + size]

    return read


def _of_vmlinux(symbols: list[_Symbol], read: _Read) -> list[int]:
    start, stop = (
        symbol.address
        for end in ("start", "stop")
        for symbol in symbols
        if symbol.name == f"__{end}_mcount_loc"
    )
    return [address for (address,) in struct.iter_unpack("<Q", read(start, stop - start))]


def _of_module(elf: ELFFile) -> list[int]:
    """The lists hold zeros yet; their relocations say what will be there."""
    symbols = _symbol_table(elf)
    listed = []
    for section in elf.iter_sections():
        if section.name not in (".rela__mcount_loc", ".rela__patchable_function_entries"):
            continue
        assert isinstance(section, RelocationSection)
        for relocation in section.iter_relocations():
            base = symbols.get_symbol(relocation["r_info_sym"])
            offset = base["st_value"] + relocation["r_addend"]
            listed.append(_in_section(base["st_shndx"], offset))
    return listed


def _switched(read: _Read, listed: list[int]) -> list[int]:
    """
    Return the words that ftrace switches.

    Of the two nops of -fpatchable-function-entry=2 the first is listed and the second switched. A
    kernel with out-of-line stubs has one nop only, which another may happen to follow, and one
    with mprofile-kernel a call.
    """
    pairs = sum(read(at, 8) == 2 * _NOP for at in listed)
    return [at + 4 for at in listed] if 2 * pairs > len(listed) else listed
