# SPDX-License-Identifier: GPL-2.0-or-later
"""The kernel's vmcoreinfo note: what a kernel says of itself to whoever reads its memory."""

import contextlib
import re
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Self

from drgn import FaultError, Program

from klp_debug.errors import TargetError

_NOTE_NAME = b"VMCOREINFO\0"
_NAME_PADDED = _NOTE_NAME + b"\0"
_FIRST_KEY = b"OSRELEASE="
# VMCOREINFO_BYTES is one page, at most 64 KiB on ppc64 (include/linux/crash_core.h).
MAX_SIZE = 0x10000
_PAGE = 4096
"""Bytes that a dump has or lacks together, at least."""
_MISSING_IN_A_ROW = 1 << 16
"""Pages behind which nothing more is sought: a dump that was cut short lacks all from there on."""


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


def find_vmcoreinfo(prog: Program, ram: Iterable[range] | None = None) -> Vmcoreinfo:
    """
    Find the vmcoreinfo note in physical memory.

    pseries guests have no fw_cfg, so QEMU never learns where the note is
    (``-device vmcoreinfo`` does not exist there); it is found by its ELF note header.

    :param ram: the physical memory there is, of which pages may be missing; None if all of it is
        there, from 0 on
    :raises TargetError: if there is none
    """
    everywhere = _to_the_end(prog)
    for hit in everywhere if ram is None else chain.from_iterable(_in(prog, part) for part in ram):
        found = _note_at(prog, hit)
        if found is not None:
            return found
    raise TargetError(
        "no vmcoreinfo in the target's memory: either no Linux kernel runs there yet or it was"
        " built without CONFIG_CRASH_DUMP; give its text by --vmcoreinfo"
    )


def _in(prog: Program, memory: range) -> Iterator[int]:
    """Iterate over where the note's name is in some memory; missing pages are passed over."""
    start, missing = max(memory.start, 12), 0
    while start < memory.stop and missing < _MISSING_IN_A_ROW:
        try:
            yield from _hits(prog, start, memory.stop)
        except FaultError as fault:
            # What is read at once is lost as a whole: what lies before the page is sought again.
            lost = max(fault.address, start) // _PAGE * _PAGE
            missing = 0 if lost > start else missing + 1
            with contextlib.suppress(FaultError):
                yield from _hits(prog, start, lost)
            start = lost + _PAGE
        else:
            return


def _to_the_end(prog: Program) -> Iterator[int]:
    # The search ends where it runs past the end of RAM.
    with contextlib.suppress(FaultError):
        yield from _hits(prog, 12, None)


def _hits(prog: Program, start: int, stop: int | None) -> Iterator[int]:
    if stop is None or start < stop:
        last = None if stop is None else stop - 1
        yield from prog.search_memory(_NAME_PADDED).set_address_range(start, last, physical=True)


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
