# SPDX-License-Identifier: GPL-2.0-or-later
"""A vmcore that GDB has opened."""

import re
from pathlib import Path

import gdb
from drgn import FaultError, Program
from elftools.elf.elffile import ELFFile
from elftools.elf.segments import NoteSegment

from klp_debug.errors import TargetError
from klp_debug.targets.core_file import CoreKind, identify
from klp_debug.targets.gdb.answers import has_memory
from klp_debug.targets.gdb.block_cache import BlockCache
from klp_debug.targets.translation import PAGE_OFFSET
from klp_debug.targets.vmcoreinfo import Vmcoreinfo

_FILE = re.compile(r"^Local core dump file:\s+[`'](.*)', file type", re.MULTILINE)
_BLOCK_SIZE = 1 << 16


class HostCore:
    """
    The memory of a core file, read through GDB.

    Only what the file holds: for the rest GDB would show what vmlinux holds, as if it were the
    kernel's memory.
    """

    def __init__(self) -> None:
        """
        Look at the core file that GDB has.

        :raises TargetError: if it is no ELF vmcore
        """
        told = _FILE.search(gdb.execute("info files", to_string=True))
        if told is None:
            raise TargetError("GDB does not tell which core file it has")
        self.path = Path(told[1])
        if identify(self.path) is not CoreKind.ELF:
            raise TargetError(
                f"GDB cannot read {self.path}, a memory dump of QEMU's;"
                " `klp-debug COMMAND --core` can"
            )
        with self.path.open("rb") as file:
            elf = ELFFile(file)
            self.ram = [
                range(segment["p_paddr"], segment["p_paddr"] + segment["p_filesz"])
                for segment in elf.iter_segments("PT_LOAD")
            ]
            # Not by the kernel's vmcoreinfo_data: in a crash that is in vmalloc memory.
            self.vmcoreinfo = next(
                Vmcoreinfo.from_bytes(note["n_descdata"])
                for segment in elf.iter_segments("PT_NOTE")
                if isinstance(segment, NoteSegment)
                for note in segment.iter_notes()
                if note["n_name"] == "VMCOREINFO"
            )
        self._cache = BlockCache(self._read, _BLOCK_SIZE)

    def read_linear_map(self, address: int, size: int) -> bytes:
        """
        Read the kernel's linear map by virtual address.

        :raises drgn.FaultError: if the file does not hold it
        """
        physical = address & ~PAGE_OFFSET
        if not has_memory(self.ram, physical, size):
            raise FaultError("not in the core file", address)
        return self._cache.read(physical, size)

    def add_to(self, prog: Program) -> None:
        """Let a program read the physical memory."""
        for ram in self.ram:
            prog.add_memory_segment(
                ram.start,
                len(ram),
                lambda address, count, offset, physical: self._cache.read(address, count),
                True,
            )

    def _read(self, physical: int, size: int) -> bytes:
        try:
            return bytes(gdb.selected_inferior().read_memory(physical | PAGE_OFFSET, size))
        except gdb.error as error:
            raise FaultError(str(error).rstrip("."), physical) from None
