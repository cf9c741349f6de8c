# SPDX-License-Identifier: GPL-2.0-or-later
"""
Which vmlinux a stopped kernel runs, and its vmcoreinfo, by the addresses in vmlinux.

A kernel of Book3S 64 runs where it is linked (there is no KASLR), so vmlinux tells where the kernel
has its build id; if the same is there in memory, vmlinux tells the rest. Over a stub this is a few
reads, where a search of its memory would take minutes.
"""

import struct
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from drgn import FaultError
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import NoteSection, SymbolTableSection

from klp_debug.elf.format import SYMBOL
from klp_debug.elf.symbol_names import named
from klp_debug.errors import TargetError
from klp_debug.targets.gdb.block_cache import Read
from klp_debug.targets.symbol_file import SymbolFile
from klp_debug.targets.vmcoreinfo import MAX_SIZE, Vmcoreinfo

_BUILD_ID_NOTE = struct.pack("<III4s", 4, 20, 3, b"GNU\0")
"""The header of an NT_GNU_BUILD_ID note with an id of 20 bytes."""
_VMCOREINFO = ("vmcoreinfo_data", "vmcoreinfo_size")


@dataclass(frozen=True, slots=True)
class Build:
    """A vmlinux, and the addresses in it that tell whether a kernel was booted from it."""

    file: SymbolFile
    build_id_at: int | None
    """Of the note."""
    symbols: dict[str, int]
    """Where its vmcoreinfo is, as far as it has one."""


def builds(files: Iterable[SymbolFile]) -> list[Build]:
    """
    Look at each vmlinux, which takes no target.

    :raises TargetError: if there is none
    """
    found = [_build(file) for file in files]
    if not found:
        raise TargetError("a stub does not name its kernel: name its vmlinux by --symbols")
    return found


def _build(file: SymbolFile) -> Build:
    with file.path.open("rb") as opened:
        elf = ELFFile(opened)
        return Build(file, _build_id_address(elf), _symbol_values(elf, _VMCOREINFO))


def _symbol_values(elf: ELFFile, names: Iterable[str]) -> dict[str, int]:
    table = elf.get_section_by_name(".symtab")
    if not isinstance(table, SymbolTableSection):
        return {}
    data = table.data()
    symbols = np.frombuffer(data, SYMBOL, len(data) // SYMBOL.itemsize)
    strings = elf.get_section(table["sh_link"]).data()
    return {
        name: int(symbols["value"][place])
        for name in names
        for place in named(name, symbols["name"], strings)
    }


def _build_id_address(elf: ELFFile) -> int | None:
    for section in elf.iter_sections("SHT_NOTE"):
        if isinstance(section, NoteSection) and section["sh_addr"]:
            for note in section.iter_notes():
                if note["n_type"] == "NT_GNU_BUILD_ID":
                    address = section["sh_addr"] + note["n_offset"] - section["sh_offset"]
                    return int(address)
    return None


def running_build(candidates: list[Build], read: Read) -> Build:
    """
    Return the vmlinux that a kernel was booted from.

    :param read: reads the kernel's linear map by virtual address
    :raises TargetError: if it is none of them
    """
    told = [_read_build_id(build, read) for build in candidates]
    for build, build_id in zip(candidates, told, strict=True):
        if build_id is not None and build_id == build.file.build_id:
            return build
    other = candidates[0].file
    if other.build_id is None:
        raise TargetError(f"{other.path} has no build id, by which the target's kernel is known")
    raise TargetError(
        f"{other.path} is of another build: its build id is {other.build_id},"
        f" the target's is {told[0] or 'not where this vmlinux has it'}"
    )


def _read_build_id(build: Build, read: Read) -> str | None:
    """Return the build id that the target has where a vmlinux has its own."""
    if build.build_id_at is None:
        return None
    try:
        data = read(build.build_id_at, len(_BUILD_ID_NOTE) + 20)
    except FaultError:
        return None
    return data[len(_BUILD_ID_NOTE) :].hex() if data.startswith(_BUILD_ID_NOTE) else None


def vmcoreinfo_of(build: Build, read: Read) -> Vmcoreinfo:
    """
    Read the text of a running kernel's vmcoreinfo note.

    Source: ``vmcoreinfo_append_str()`` in kernel/crash_core.c (kernel/vmcore_info.c since 6.9).

    :param read: reads the kernel's linear map by virtual address
    :raises TargetError: if it has none
    """
    try:
        places = [build.symbols[name] for name in _VMCOREINFO]
        data, size = (int.from_bytes(read(place, 8), "little") for place in places)
        if data and 0 < size <= MAX_SIZE:
            return Vmcoreinfo.from_bytes(read(data, size))
        reason = f"vmcoreinfo_data is {data:#x}, and vmcoreinfo_size {size}"
    except FaultError as fault:
        reason = str(fault)
    except KeyError as error:
        reason = f"the kernel has no {error.args[0]}"
    raise TargetError(
        f"the target's vmcoreinfo cannot be read ({reason}); give its text by --vmcoreinfo"
    )
