# SPDX-License-Identifier: GPL-2.0-or-later
"""QEMU's ``dump-guest-memory`` ELF files, which drgn cannot use."""

import mmap
from pathlib import Path

from drgn import FaultError, Program
from elftools.elf.elffile import ELFFile


def add_qemu_elf_memory(prog: Program, path: Path) -> None:
    """
    Let the program read the physical memory that a QEMU memory dump holds.

    QEMU 7.2 writes a big-endian header for a little-endian guest, no vmcoreinfo note, and
    p_vaddr 0 throughout (``target/ppc/arch_dump.c``); only its p_paddr and its bytes are used.

    :raises OSError: if the file cannot be read
    """
    with path.open("rb") as file:
        memory = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        segments = [
            (header["p_paddr"], header["p_offset"], header["p_filesz"])
            for header in (segment.header for segment in ELFFile(file).iter_segments("PT_LOAD"))
        ]
    for physical, offset, size in segments:
        if size:
            _add_segment(prog, memory, physical, offset, size)


def _add_segment(prog: Program, memory: mmap.mmap, physical: int, start: int, size: int) -> None:
    def read(address: int, count: int, offset: int, is_physical: bool) -> bytes:
        data = memory[start + offset : start + offset + count]
        if len(data) != count:
            raise FaultError("the dump ends before it", address)
        return data

    prog.add_memory_segment(physical, size, read, True)
