# SPDX-License-Identifier: GPL-2.0-or-later
"""
Which vmlinux a stopped kernel runs, and its vmcoreinfo, by the addresses in vmlinux.

A kernel of Book3S 64 runs where it is linked (there is no KASLR), so vmlinux tells where the kernel
has its build id; if the same is there in memory, vmlinux tells the rest. Over a stub this is a few
reads, where a search of its memory would take minutes.
"""

import struct
from collections.abc import Iterable

from drgn import FaultError
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import NoteSection, SymbolTableSection

from klp_debug.target.debug_info import SymbolFile
from klp_debug.target.errors import TargetError
from klp_debug.target.gdb.block_cache import Read
from klp_debug.target.vmcoreinfo import MAX_SIZE, Vmcoreinfo

_BUILD_ID_NOTE = struct.pack("<III4s", 4, 20, 3, b"GNU\0")
"""The header of an NT_GNU_BUILD_ID note with an id of 20 bytes."""


def running_vmlinux(files: Iterable[SymbolFile], read: Read) -> SymbolFile:
    """
    Return the vmlinux that a kernel was booted from.

    :param read: reads the kernel's linear map by virtual address
    :raises TargetError: if there is none among the files
    """
    candidates = [file for file in files if not file.is_module]
    if not candidates:
        raise TargetError("a stub tells nothing of its kernel: name its vmlinux by --symbols")
    for file in candidates:
        if file.build_id is not None and _read_build_id(file, read) == file.build_id:
            return file
    other = candidates[0]
    if other.build_id is None:
        raise TargetError(f"{other.path} has no build id, by which the target's kernel is known")
    found = _read_build_id(other, read)
    raise TargetError(
        f"{other.path} is of another build: its build id is {other.build_id},"
        f" the target's is {found or 'not where this vmlinux has it'}"
    )


def _read_build_id(file: SymbolFile, read: Read) -> str | None:
    """Return the build id that the target has where a vmlinux has its own."""
    with file.path.open("rb") as opened:
        for section in ELFFile(opened).iter_sections("SHT_NOTE"):
            if not isinstance(section, NoteSection) or not section["sh_addr"]:
                continue
            for note in section.iter_notes():
                if note["n_type"] != "NT_GNU_BUILD_ID":
                    continue
                address = section["sh_addr"] + note["n_offset"] - section["sh_offset"]
                try:
                    data = read(address, len(_BUILD_ID_NOTE) + 20)
                except FaultError:
                    return None
                if data.startswith(_BUILD_ID_NOTE):
                    return data[len(_BUILD_ID_NOTE) :].hex()
    return None


def vmcoreinfo_of(vmlinux: SymbolFile, read: Read) -> Vmcoreinfo:
    """
    Read the text of a running kernel's vmcoreinfo note.

    Source: ``vmcoreinfo_append_str()`` in kernel/crash_core.c (kernel/vmcore_info.c since 6.9).

    :param read: reads the kernel's linear map by virtual address
    :raises TargetError: if it has none
    """
    try:
        places = _addresses(vmlinux, ("vmcoreinfo_data", "vmcoreinfo_size"))
        data, size = (int.from_bytes(read(place, 8), "little") for place in places)
        if not data or not 0 < size <= MAX_SIZE:
            raise TargetError(f"vmcoreinfo_data is {data:#x}, and vmcoreinfo_size {size}")
        return Vmcoreinfo.from_bytes(read(data, size))
    except (LookupError, FaultError, TargetError) as error:
        raise TargetError(
            f"the target's vmcoreinfo cannot be read ({error}); give its text by --vmcoreinfo"
        ) from None


def _addresses(vmlinux: SymbolFile, names: tuple[str, ...]) -> list[int]:
    """
    Return where a vmlinux has symbols.

    :raises LookupError: if it lacks one
    """
    with vmlinux.path.open("rb") as opened:
        table = ELFFile(opened).get_section_by_name(".symtab")
        if not isinstance(table, SymbolTableSection):
            raise LookupError("vmlinux has no symbols")
        found = []
        for name in names:
            symbols = table.get_symbol_by_name(name)
            if not symbols:
                raise LookupError(f"the kernel has no {name}")
            found.append(int(symbols[0]["st_value"]))
        return found
