# SPDX-License-Identifier: GPL-2.0-or-later
"""
An ELF file of ppc64le as arrays: sections, symbols and relocations, each checked against its size.

Its tables are read as arrays, because a vmlinux has a hundred thousand symbols, and a kernel three
thousand modules. Source: the ELFv2 ABI and the System V gABI; linux/elf.h.
"""

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from elftools.elf.constants import SH_FLAGS
from elftools.elf.enums import ENUM_E_MACHINE, ENUM_E_TYPE

from klp_debug.elf.format import (
    R_PPC64_ADDR32,
    R_PPC64_ADDR64,
    RELOCATION,
    SECTION,
    SHF_RELA_LIVEPATCH,
    SHN_XINDEX,
    SHT_NOBITS,
    SHT_RELA,
    SHT_SYMTAB,
    SHT_SYMTAB_SHNDX,
    SYMBOL,
)
from klp_debug.elf.packed_file import read_elf_bytes
from klp_debug.elf.symbol_names import named
from klp_debug.errors import ForeignFileError, TargetError

Table = npt.NDArray[Any]
"""A structured array of one of the types below."""

_NO_RELOCATIONS = np.empty(0, RELOCATION)
_LONGEST_NAME = 1024
"""Twice ``KSYM_NAME_LEN``: a string table without an end must not be copied for each symbol."""
_MOST_NAMES = 64
_TEXT: int = SH_FLAGS.SHF_ALLOC | SH_FLAGS.SHF_EXECINSTR
_HEADER = struct.Struct("<HHIQQQIHHHHHH")
"""``Elf64_Ehdr`` behind ``e_ident``."""
_IDENT_SIZE = 16
_EI_CLASS, _EI_DATA, _ELFCLASS64, _ELFDATA2LSB, _ELFDATA2MSB = 4, 5, 2, 1, 2
_MACHINE_NAMES = {number: name for name, number in ENUM_E_MACHINE.items()}
_TYPE_NAMES = {number: name for name, number in ENUM_E_TYPE.items()}
_EM_PPC64: int = ENUM_E_MACHINE["EM_PPC64"]
_ET_REL: int = ENUM_E_TYPE["ET_REL"]
_KINDS = {_ET_REL, ENUM_E_TYPE["ET_EXEC"], ENUM_E_TYPE["ET_DYN"]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One section."""

    index: int
    name: str
    type: int
    flags: int
    address: int
    """0 in a relocatable file."""
    offset: int
    size: int
    """In bytes."""
    link: int
    info: int

    @property
    def is_loaded(self) -> bool:
        """Whether it becomes part of the kernel's memory."""
        return bool(self.flags & SH_FLAGS.SHF_ALLOC)

    @property
    def has_bytes(self) -> bool:
        """Whether the file has its bytes; not of .bss, nor of text in a file of debug info."""
        return self.index != 0 and self.type != SHT_NOBITS

    @property
    def is_text(self) -> bool:
        """Whether it holds instructions that the file has."""
        return self.flags & _TEXT == _TEXT and self.type != SHT_NOBITS


class ObjectFile:
    """
    One ELF file.

    :ivar path: where it is
    :ivar kind: ``relocatable`` for .o and .ko, ``executable`` for vmlinux
    :ivar sections: all sections, the null section first
    :ivar symbols: the symbol table, of type :data:`SYMBOL`
    :ivar symbol_sections: each symbol's section index, past the 16 bits that ``Elf64_Sym`` has;
        reserved ones as they are
    """

    def __init__(self, path: Path, content: bytes | None = None) -> None:
        """
        Read a file.

        :param content: its bytes, unpacked, if they were read already
        :raises TargetError: if it cannot be read, is no ppc64le object, is damaged or stripped
        """
        self.path = path
        self._bytes = read_elf_bytes(path) if content is None else content
        self.kind: Literal["relocatable", "executable"] = self._identify()
        self.sections = self._read_sections()
        self.symbols, self.symbol_sections, self._names = self._read_symbols()
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

    def _error(self, what: str) -> TargetError:
        return TargetError(f"{self.path} {what}")

    def _identify(self) -> Literal["relocatable", "executable"]:
        ident = self._bytes[:_IDENT_SIZE]
        if len(self._bytes) < _IDENT_SIZE + _HEADER.size:
            raise self._error("is a damaged or truncated ELF file: it ends before its header does")
        if ident[_EI_DATA] not in (_ELFDATA2LSB, _ELFDATA2MSB):
            raise self._error("is a damaged ELF file: it has no byte order")
        order = "<" if ident[_EI_DATA] == _ELFDATA2LSB else ">"
        kind, machine = struct.unpack_from(f"{order}HH", self._bytes, _IDENT_SIZE)
        if machine != _EM_PPC64 or ident[_EI_CLASS] != _ELFCLASS64:
            name = _MACHINE_NAMES.get(machine, str(machine)).removeprefix("EM_").lower()
            what = f"is of another machine ({name}); klp-debug reads ppc64le"
            raise ForeignFileError(f"{self.path} {what}")
        if order == ">":
            raise ForeignFileError(f"{self.path} is big-endian; klp-debug reads ppc64le")
        header = _HEADER.unpack_from(self._bytes, _IDENT_SIZE)
        self._headers_at, flags = header[5:7]
        self._header_size, self._header_count, self._names_index = header[10:13]
        if flags & 3 == 1:
            raise self._error("follows the ELFv1 ABI; a ppc64le kernel follows ELFv2")
        if kind not in _KINDS:
            name = _TYPE_NAMES.get(kind, str(kind))
            raise self._error(f"is neither an object, a module nor a vmlinux ({name})")
        return "relocatable" if kind == _ET_REL else "executable"

    def _read_sections(self) -> tuple[Section, ...]:
        offset, count = self._headers_at, self._header_count
        if offset and self._header_size != SECTION.itemsize:
            raise self._error("is a damaged ELF file (size of its section headers)")
        # More than 65279 sections are counted in the null section's size.
        if offset and not count and len(self._bytes) - offset >= SECTION.itemsize:
            count = int(np.frombuffer(self._bytes, SECTION, 1, offset)["size"][0])
        if not offset or not count:
            raise self._error("has no sections: there is nothing to scan")
        if offset + count * SECTION.itemsize > len(self._bytes):
            raise self._error("is truncated: it ends before its section headers do")
        table = np.frombuffer(self._bytes, SECTION, count, offset)
        has_bytes = table["type"] != SHT_NOBITS
        has_bytes[0] = False
        size = np.uint64(len(self._bytes))
        beyond = has_bytes & (
            (table["offset"] > size) | (table["size"] > size - np.minimum(table["offset"], size))
        )
        if beyond.any():
            number = int(np.flatnonzero(beyond)[0])
            raise self._error(f"is truncated or damaged: section {number} reaches beyond its end")
        names_index = self._names_index
        if names_index == SHN_XINDEX:
            names_index = int(table["link"][0])
        if names_index >= count:
            raise self._error("is a damaged ELF file (names of its sections)")
        start, length = int(table["offset"][names_index]), int(table["size"][names_index])
        names = self._bytes[start : start + length]
        return tuple(
            Section(
                index=number,
                name=_string(names, name),
                type=type_,
                flags=flags,
                address=address,
                offset=offset,
                size=size,
                link=link,
                info=info,
            )
            for number, (name, type_, flags, address, offset, size, link, info, _, _) in enumerate(
                table.tolist()
            )
        )

    def _read_symbols(self) -> tuple[Table, npt.NDArray[np.uint32], bytes]:
        tables = [section for section in self.sections if section.type == SHT_SYMTAB]
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

    def data(self, section: Section) -> bytes:
        """
        Return the bytes of a section; none of one without (.bss).

        :raises TargetError: if they are compressed, as only debugging sections should be
        """
        if not section.has_bytes:
            return b""
        if section.flags & SH_FLAGS.SHF_COMPRESSED:
            raise self._error(f"has a compressed section {section.name}, where none should be")
        return self._bytes[section.offset : section.offset + section.size]

    def contains(self, section: Section, content: bytes) -> bool:
        """Return whether bytes are somewhere in a section, which may be large."""
        end = section.offset + section.size
        return section.type != SHT_NOBITS and self._bytes.find(content, section.offset, end) >= 0

    def rows(self, section: Section, dtype: np.dtype[Any]) -> Table:
        """Return a section as a table; what is left behind the last whole row is dropped."""
        data = self.data(section)
        return np.frombuffer(data, dtype, len(data) // dtype.itemsize)

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

    def named_section(self, name: str) -> Section | None:
        """Return the first section of a name."""
        return next((section for section in self.sections if section.name == name), None)

    def symbol_name(self, index: int) -> str:
        """Return the name of a symbol; a section symbol has its section's."""
        if index >= len(self.symbols):
            return f"symbol {index}"
        name = _string(self._names, int(self.symbols["name"][index]))
        section = int(self.symbol_sections[index])
        if not name and 0 < section < len(self.sections):
            return self.sections[section].name
        return name

    def named_symbols(self, name: str) -> list[int]:
        """Return the indices of all symbols of a name, in the table's order."""
        return named(name, self.symbols["name"], self._names)

    def names_beginning(self, start: str) -> set[str]:
        """Return the names in the symbols' string table that begin so; few are expected."""
        found: set[str] = set()
        at = self._names.find(b"\0" + start.encode())
        while at >= 0 and len(found) < _MOST_NAMES:
            found.add(_string(self._names, at + 1))
            at = self._names.find(b"\0" + start.encode(), at + 1)
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


def is_livepatch_section(section: Section) -> bool:
    """Return whether it holds relocations that livepatch itself applies."""
    return bool(section.flags & SHF_RELA_LIVEPATCH)


def _string(strings: bytes, offset: int) -> str:
    end = strings.find(b"\0", offset, offset + _LONGEST_NAME)
    return strings[offset : end if end >= 0 else offset + _LONGEST_NAME].decode("utf-8", "replace")
