# SPDX-License-Identifier: GPL-2.0-or-later
"""
An ELF file of ppc64le: what it is, and its sections, each checked against the file's size.

Source: the ELFv2 ABI and the System V gABI; linux/elf.h.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from elftools.elf.constants import SH_FLAGS
from elftools.elf.enums import ENUM_E_MACHINE, ENUM_E_TYPE

from klp_debug.elf.format import SECTION, SHF_RELA_LIVEPATCH, SHN_XINDEX, SHT_NOBITS, SHT_NOTE
from klp_debug.elf.packed_file import read_elf_bytes
from klp_debug.errors import ForeignFileError, TargetError

Table = npt.NDArray[Any]
"""A structured array of one of the types of :mod:`klp_debug.elf.format`."""

_LONGEST_NAME = 1024
"""Twice ``KSYM_NAME_LEN``: a string table without an end must not be copied for each symbol."""
_NOTE = struct.Struct("<III")
_BUILD_ID = b"GNU\0", 3
"""The owner, and ``NT_GNU_BUILD_ID``."""
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
    def is_executable(self) -> bool:
        """Whether it is of instructions, which the file may have or not."""
        return self.flags & _TEXT == _TEXT

    @property
    def is_text(self) -> bool:
        """Whether it holds instructions that the file has."""
        return self.is_executable and self.type != SHT_NOBITS


class ElfFile:
    """
    One ELF file.

    :ivar path: where it is
    :ivar kind: ``relocatable`` for .o and .ko, ``executable`` for vmlinux
    :ivar sections: all sections, the null section first
    """

    def __init__(self, path: Path, content: bytes | None = None) -> None:
        """
        Read a file.

        :param content: its bytes, unpacked, if they were read already
        :raises TargetError: if it cannot be read, is no ppc64le object, or is damaged
        """
        self.path = path
        self._bytes = read_elf_bytes(path) if content is None else content
        self.kind: Literal["relocatable", "executable"] = self._identify()
        self.sections = self._read_sections()

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
                name=string_at(names, name),
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

    @cached_property
    def build_id(self) -> bytes | None:
        """Return the linker's identification of what it linked; None if the file has none."""
        for section in self.sections:
            if section.type != SHT_NOTE:
                continue
            for owner, kind, description in _notes(self.data(section)):
                if (owner, kind) == _BUILD_ID and description:
                    return description
        return None

    @property
    def is_debug_file(self) -> bool:
        """Whether the text was left out of the file, as of what ``objcopy`` splits off."""
        text = [one for one in self.sections if one.is_executable and one.size]
        return bool(text) and not any(one.is_text for one in text)

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

    def named_section(self, name: str) -> Section | None:
        """Return the first section of a name."""
        return next((section for section in self.sections if section.name == name), None)


def _notes(data: bytes) -> Iterator[tuple[bytes, int, bytes]]:
    """Yield owner, type and description of each note; a damaged one ends them."""
    at = 0
    while at + _NOTE.size <= len(data):
        name_size, size, kind = _NOTE.unpack_from(data, at)
        name = at + _NOTE.size
        start = name + name_size + -name_size % 4
        if start + size > len(data):
            return
        yield data[name : name + name_size], kind, data[start : start + size]
        at = start + size + -size % 4


def is_livepatch_section(section: Section) -> bool:
    """Return whether it holds relocations that livepatch itself applies."""
    return bool(section.flags & SHF_RELA_LIVEPATCH)


def string_at(strings: bytes, offset: int) -> str:
    """Return the string at a place of a string table."""
    end = strings.find(b"\0", offset, offset + _LONGEST_NAME)
    return strings[offset : end if end >= 0 else offset + _LONGEST_NAME].decode("utf-8", "replace")
