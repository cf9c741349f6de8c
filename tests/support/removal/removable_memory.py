# SPDX-License-Identifier: GPL-2.0-or-later
"""A dump's memory, of which what is read is noted, and parts can be taken away and put back."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType

from drgn import FaultError, Program

_ALL = 1 << 56
"""Bytes of physical memory that the overlay covers: more than any machine has."""
_READERS = ("klp_debug/targets/", "klp_debug/analysis/view/problem_log")
"""Not told as a reader: what every read goes through."""
_CALLERS = 4
"""Functions of a reader that are told."""
_FAULTS = 3
"""Reads of what was removed whose readers are told."""


@dataclass
class Touched:
    """A page that was read, by whom, and which bytes of it."""

    readers: dict[str, None] = field(default_factory=dict)
    """The functions that asked for it, the innermost first: ``list.py:57 _objects < ...``."""
    first: int = _ALL
    end: int = 0
    """Physical addresses: no byte of it outside of [first, end) was asked for."""


class RemovableMemory:
    """
    All physical memory of an opened dump, put over what was there.

    Of a dump every virtual address is read as physical memory, the page tables too, by drgn as by
    ourselves: one segment sees all reads, and a page is gone by all its addresses.
    """

    def __init__(self, prog: Program, below: Program, page_size: int) -> None:
        """
        Lie over a program's physical memory.

        :param below: another program with the same memory, from which it is read
        :param page_size: of the dump, in bytes
        """
        self.page_size = page_size
        self.faulted: list[str] = []
        """The readers of what was removed, the first few since it was."""
        self._below = below
        self._pages: dict[int, bytes] = {}
        self._removed: tuple[range, ...] = ()
        self._touched: dict[int, Touched] | None = None
        prog.add_memory_segment(0, _ALL, self._read, True)

    @contextmanager
    def noting(self) -> Iterator[dict[int, Touched]]:
        """Note in the block which pages are read: physical address -> who read it."""
        touched: dict[int, Touched] = {}
        self._touched = touched
        try:
            yield touched
        finally:
            self._touched = None

    @contextmanager
    def without(self, removed: Sequence[range]) -> Iterator[None]:
        """Let reads of these physical addresses fail in the block."""
        self._removed = tuple(removed)
        self.faulted = []
        try:
            yield
        finally:
            self._removed = ()

    def _read(self, address: int, count: int, offset: int, physical: bool) -> bytes:
        for gone in self._removed:
            if address < gone.stop and gone.start < address + count:
                if len(self.faulted) < _FAULTS:
                    self.faulted.append(_reader(sys._getframe(1)))
                at = max(address, gone.start)
                raise FaultError(f"page {at & -self.page_size:#x} is not in the dump", at)
        if self._touched is not None:
            self._note(self._touched, address, count)
        page = address & -self.page_size
        if address + count <= page + self.page_size:
            return self._page(page, address, count)
        data: bytes = self._below.read(address, count, True)
        return data

    def _page(self, page: int, address: int, count: int) -> bytes:
        """Read within a page, and keep it: most are read again and again."""
        if page not in self._pages:
            try:
                self._pages[page] = self._below.read(page, self.page_size, True)
            except FaultError:
                # Memory may begin or end within a page.
                data: bytes = self._below.read(address, count, True)
                return data
        return self._pages[page][address - page : address - page + count]

    def _note(self, touched: dict[int, Touched], address: int, count: int) -> None:
        reader = _reader(sys._getframe(2))
        for page in range(address & -self.page_size, address + count, self.page_size):
            one = touched.setdefault(page, Touched())
            one.readers[reader] = None
            one.first = min(one.first, max(address, page))
            one.end = max(one.end, min(address + count, page + self.page_size))


def _reader(frame: FrameType | None) -> str:
    """Say which functions of the tool lead to a read, the innermost first."""
    told: list[str] = []
    while frame is not None and len(told) < _CALLERS:
        path = frame.f_code.co_filename
        at = path.rfind("klp_debug/")
        name = path[at:]
        if at >= 0 and not name.startswith(_READERS):
            told.append(f"{name.removeprefix('klp_debug/')}:{frame.f_lineno}")
        frame = frame.f_back
    return " < ".join(told) or "drgn"
