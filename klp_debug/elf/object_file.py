# SPDX-License-Identifier: GPL-2.0-or-later
"""
An ELF file of ppc64le as arrays: symbols, relocations and words.

The tables are read as arrays, because a vmlinux has a hundred thousand symbols, and a kernel three
thousand modules. Source: the ELFv2 ABI and the System V gABI; linux/elf.h.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt
from elftools.elf.constants import SH_FLAGS

from klp_debug.elf.elf_file import ElfFile, Section, Table, is_livepatch_section, string_at
from klp_debug.elf.format import (
    R_PPC64_ADDR32,
    R_PPC64_ADDR64,
    RELOCATION,
    SHN_XINDEX,
    SHT_RELA,
    SHT_SYMTAB,
    SHT_SYMTAB_SHNDX,
    SYMBOL,
)
from klp_debug.elf.symbol_names import named

_NO_RELOCATIONS = np.empty(0, RELOCATION)
_MOST_NAMES = 64


class ObjectFile(ElfFile):
    """
    One ELF file with its symbols.

    :ivar symbols: the symbol table, of type :data:`SYMBOL`
    :ivar symbol_sections: each symbol's section index, past the 16 bits that ``Elf64_Sym`` has;
        reserved ones as they are
    :ivar strings: the string table of the symbols' names
    """

    def __init__(
        self, path: Path, content: bytes | None = None, debug_file: "ObjectFile | None" = None
    ) -> None:
        """
        Read a file.

        :param content: its bytes, unpacked, if they were read already
        :param debug_file: what was split off it: it has the debugging information, and the
            symbols of a file that is stripped
        :raises TargetError: if it cannot be read, is no ppc64le object, is damaged or stripped
        """
        super().__init__(path, content)
        self._debug_file = debug_file
        self.symbols, self.symbol_sections, self.strings = self._read_symbols()
        in_file = [one.has_bytes for one in self.sections]
        places = [(one.offset, one.size & ~3) for one in self.sections]
        extents = np.where(np.array(in_file)[:, None], np.array(places, np.uint64), 0)
        self._extents = extents.astype(np.int64)
        self._compressed = [
            one.index for one in self.sections if one.flags & SH_FLAGS.SHF_COMPRESSED
        ]
        self._words: dict[int, npt.NDArray[np.uint32]] = {}
        self._relocations: dict[tuple[int, bool], Table] = {}
        self._relocation_sections: dict[int, list[Section]] = {}
        for section in self.sections:
            if section.type == SHT_RELA:
                self._relocation_sections.setdefault(section.info, []).append(section)

    @property
    def with_debug_info(self) -> "ObjectFile":
        """Return the file that has the debugging information: this one, or what was split off."""
        if self._debug_file is None or self.named_section(".debug_info") is not None:
            return self
        return self._debug_file

    def section_numbers_of(self, other: "ObjectFile") -> npt.NDArray[np.int64]:
        """
        Return the number here of each section of a file that was split off, or the other way.

        0, of the null section, for one that this file does not have. They are told by their names,
        of several of one name by their order.
        """
        if other is self:
            return np.arange(len(self.sections))
        numbers: dict[str, list[int]] = {}
        for section in reversed(self.sections):
            numbers.setdefault(section.name, []).append(section.index)
        left = [numbers.get(one.name) for one in other.sections]
        return np.array([of_name.pop() if of_name else 0 for of_name in left], np.int64)

    def _read_symbols(self) -> tuple[Table, npt.NDArray[np.uint32], bytes]:
        tables = [section for section in self.sections if section.type == SHT_SYMTAB]
        if not tables and self._debug_file is not None:
            return self._symbols_of(self._debug_file)
        if not tables:
            raise self._error("is stripped: it has no symbol table, so no functions to scan")
        table = tables[0]
        if table.link >= len(self.sections):
            raise self._error("is a damaged ELF file (names of its symbols)")
        symbols = self.rows(table, SYMBOL)
        numbers = symbols["section"].astype(np.uint32)
        for section in self.sections:
            if section.type == SHT_SYMTAB_SHNDX and section.link == table.index:
                wide = self.rows(section, np.dtype("<u4"))[: len(numbers)]
                far = np.flatnonzero(numbers[: len(wide)] == SHN_XINDEX)
                numbers[far] = wide[far]
        return symbols, numbers, self.data(self.sections[table.link])

    def _symbols_of(self, other: "ObjectFile") -> tuple[Table, npt.NDArray[np.uint32], bytes]:
        here = self.section_numbers_of(other).astype(np.uint32)
        numbers = other.symbol_sections.copy()
        known = numbers < len(here)
        numbers[known] = here[numbers[known]]
        return other.symbols, numbers, other.strings

    def words(self, index: int) -> npt.NDArray[np.uint32]:
        """Return the instruction words of a section."""
        if index not in self._words:
            self._words[index] = self.rows(self.sections[index], np.dtype("<u4"))
        return self._words[index]

    def words_at(
        self, section: npt.NDArray[np.int64], offset: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.uint32]:
        """Return the word at each place; 0, which is no instruction, where there is none."""
        for number in self._compressed:
            if (section == number).any():
                self.data(self.sections[number])
        starts, sizes = self._extents[section].T
        inside = (offset >= 0) & (offset < sizes) & (offset & 3 == 0)
        places = starts[inside] + offset[inside]
        words = np.zeros(len(section), np.uint32)
        if not (places & 3).any():
            every = np.frombuffer(self._bytes, "<u4", len(self._bytes) // 4)
            words[inside] = every[places >> 2]
        else:  # a file that no linker made: sections of text are at multiples of 4
            content = np.frombuffer(self._bytes, np.uint8)
            for byte in range(4):
                words[inside] |= content[places + byte].astype(np.uint32) << np.uint32(8 * byte)
        return words

    def symbol_name(self, index: int) -> str:
        """Return the name of a symbol; a section symbol has its section's."""
        if index >= len(self.symbols):
            return f"symbol {index}"
        name = string_at(self.strings, int(self.symbols["name"][index]))
        section = int(self.symbol_sections[index])
        if not name and 0 < section < len(self.sections):
            return self.sections[section].name
        return name

    def named_symbols(self, name: str) -> list[int]:
        """Return the indices of all symbols of a name, in the table's order."""
        return named(name, self.symbols["name"], self.strings)

    def names_beginning(self, start: str) -> set[str]:
        """Return the names in the symbols' string table that begin so; few are expected."""
        found: set[str] = set()
        at = self.strings.find(b"\0" + start.encode())
        while at >= 0 and len(found) < _MOST_NAMES:
            found.add(string_at(self.strings, at + 1))
            at = self.strings.find(b"\0" + start.encode(), at + 1)
        return found

    def relocations(self, index: int, *, livepatch: bool = False) -> Table:
        """
        Return the relocations of a section, by offset.

        :param livepatch: only those that livepatch itself applies (``.klp.rela.*``), else only
            those of the module loader
        """
        key = index, livepatch
        if key not in self._relocations:
            tables = [
                self.rows(section, RELOCATION)
                for section in self._relocation_sections.get(index, ())
                if is_livepatch_section(section) is livepatch
            ]
            if not tables:
                self._relocations[key] = _NO_RELOCATIONS
            else:
                rows = tables[0] if len(tables) == 1 else np.concatenate(tables)
                places = rows["offset"]
                in_order = bool((places[1:] >= places[:-1]).all())
                self._relocations[key] = rows if in_order else rows[places.argsort(kind="stable")]
        return self._relocations[key]

    def with_debug_info_relocated(self) -> bytes:
        """
        Return the file's bytes, for pyelftools, with the relocations of ``.debug_info`` applied.

        pyelftools would apply them one by one. Those of vmlinux the linker has applied.
        """
        info = self.named_section(".debug_info")
        if self.kind == "executable" or info is None:
            return self._bytes
        rows = self.relocations(info.index)
        rows = rows[rows["symbol"] < len(self.symbols)]
        values = self.symbols["value"][rows["symbol"]] + rows["addend"].astype(np.uint64)
        content = np.frombuffer(bytearray(self._bytes), np.uint8)
        for type_, size in ((R_PPC64_ADDR32, 4), (R_PPC64_ADDR64, 8)):
            wanted = (rows["type"] == type_) & (rows["offset"] + np.uint64(size) <= info.size)
            places = info.offset + rows["offset"][wanted].astype(np.int64)
            for byte in range(size):
                content[places + byte] = (values[wanted] >> np.uint64(8 * byte)).astype(np.uint8)
        return content.tobytes()
