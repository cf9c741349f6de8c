# SPDX-License-Identifier: GPL-2.0-or-later
"""The kernel's vmcoreinfo note: what a kernel says of itself to whoever reads its memory."""

import re
import struct
from dataclasses import dataclass
from functools import cached_property
from typing import Self

from drgn import FaultError, Program

from klp_debug.errors import TargetError

_NOTE_NAME = b"VMCOREINFO\0"
_NAME_PADDED = _NOTE_NAME + b"\0"
_FIRST_KEY = b"OSRELEASE="
# VMCOREINFO_BYTES is one page, at most 64 KiB on ppc64 (include/linux/crash_core.h).
MAX_SIZE = 0x10000


@dataclass(frozen=True)
class Vmcoreinfo:
    """
    The text of a vmcoreinfo note.

    Source: ``crash_save_vmcoreinfo_init()`` in kernel/crash_core.c (kernel/vmcore_info.c
    since 6.9).
    """

    text: str

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """
        Return the note's text, up to its first zero byte.

        :raises TargetError: if it is no vmcoreinfo text
        """
        text = data.split(b"\0", 1)[0].decode("ascii", "replace")
        if _FIRST_KEY.decode() not in text:
            raise TargetError("no OSRELEASE line in the vmcoreinfo: it is not a Linux kernel's")
        return cls(text)

    @cached_property
    def _values(self) -> dict[str, str]:
        return dict(line.split("=", 1) for line in self.text.splitlines() if "=" in line)

    @property
    def release(self) -> str:
        """``uname -r`` of the kernel, or an empty string."""
        return self._values.get("OSRELEASE", "")

    @property
    def build_id(self) -> str | None:
        """
        The kernel's GNU build id in hexadecimal.

        In the note since Linux kernel commit 0935288c6e00 ("kdump: append kernel build-id
        string to VMCOREINFO") (in v5.9).
        """
        return self._values.get("BUILD-ID")

    @property
    def page_size(self) -> int:
        """
        The page size in bytes.

        :raises TargetError: if the note has none or it is not ppc64's
        """
        value = self._values.get("PAGESIZE", "")
        if value not in ("4096", "65536"):
            raise TargetError(f"vmcoreinfo says PAGESIZE={value!r}; ppc64 has 4096 and 65536 only")
        return int(value)

    @property
    def says_radix(self) -> bool | None:
        """
        Whether the kernel ran with the radix MMU, if the note tells.

        Exported since Linux kernel commit 36e826b568e4 ("powerpc/vmcore: Add MMU information
        to vmcoreinfo") (in v6.7).
        """
        value = self._values.get("NUMBER(RADIX_MMU)")
        return None if value is None else value.strip() not in ("0", "")

    def symbol(self, name: str) -> int | None:
        """Return the address of ``SYMBOL(name)``, or None if the note lacks it."""
        value = self._values.get(f"SYMBOL({name})", "")
        return int(value, 16) if re.fullmatch("[0-9a-fA-F]{1,16}", value) else None


def find_vmcoreinfo(prog: Program) -> Vmcoreinfo:
    """
    Find the vmcoreinfo note in physical memory.

    pseries guests have no fw_cfg, so QEMU never learns where the note is
    (``-device vmcoreinfo`` does not exist there); it is found by its ELF note header.

    :raises TargetError: if there is none
    """
    try:
        for hit in prog.search_memory(_NAME_PADDED).set_address_range(12, None, physical=True):
            found = _note_at(prog, hit)
            if found is not None:
                return found
    except FaultError:
        pass  # the search ran past the end of RAM
    raise TargetError(
        "no vmcoreinfo in the target's memory: either no Linux kernel runs there yet or it was"
        " built without CONFIG_CRASH_DUMP; give its text by --vmcoreinfo"
    )


def _note_at(prog: Program, name_address: int) -> Vmcoreinfo | None:
    """Return the note whose name is at that physical address, if it is a whole one."""
    try:
        header = prog.read(name_address - 12, 12, True)
        name_size, size, _ = struct.unpack("<III", header)
        if name_size != len(_NOTE_NAME) or not 0 < size <= MAX_SIZE:
            return None
        data = prog.read(name_address + len(_NAME_PADDED), size, True)
    except FaultError:
        return None
    if not data.startswith(_FIRST_KEY) or b"SYMBOL(swapper_pg_dir)=" not in data:
        return None
    return Vmcoreinfo.from_bytes(data)
