# SPDX-License-Identifier: GPL-2.0-or-later
"""A vmcore that GDB has opened."""

import re
from pathlib import Path

import gdb
from drgn import FaultError, Program

from klp_debug.errors import TargetError
from klp_debug.targets.core_file import CoreKind
from klp_debug.targets.gdb.answers import has_memory
from klp_debug.targets.gdb.block_cache import BlockCache
from klp_debug.targets.open_core_file import open_core_file
from klp_debug.targets.translation import PAGE_OFFSET

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
        self.file = open_core_file(Path(told[1]))
        # Not by the kernel's vmcoreinfo_data: in a crash that is in vmalloc memory.
        vmcoreinfo = self.file.vmcoreinfo
        if self.file.kind is not CoreKind.ELF or vmcoreinfo is None:
            raise TargetError(
                f"GDB cannot read {self.file.path}, a memory dump of QEMU's;"
                " `klp-debug COMMAND --core` can"
            )
        self.vmcoreinfo = vmcoreinfo
        self._ram = self.file.ram
        self._cache = BlockCache(self._read, _BLOCK_SIZE)

    def read_linear_map(self, address: int, size: int) -> bytes:
        """
        Read the kernel's linear map by virtual address.

        :raises drgn.FaultError: if the file does not hold it
        """
        physical = address & ~PAGE_OFFSET
        if not has_memory(self._ram, physical, size):
            raise FaultError("not in the core file", address)
        return self._cache.read(physical, size)

    def add_to(self, prog: Program) -> None:
        """Let a program read the physical memory."""
        for ram in self._ram:
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
