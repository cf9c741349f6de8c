# SPDX-License-Identifier: GPL-2.0-or-later
"""Memory of a kernel in pages, any of which can be taken away."""

from collections.abc import Iterator
from contextlib import contextmanager

from drgn import FaultError, Program

PAGE = 0x1000
"""In bytes."""
KERNEL = 0xC000000000000000
_SIZE = (1 << 64) - 1


class PagedMemory:
    """What was written, with zeros around it up to the ends of its pages, and nothing else."""

    def __init__(self) -> None:
        self._pages: dict[int, bytearray] = {}
        self._unmapped: set[int] = set()

    def add_to(self, prog: Program) -> None:
        """Make a program read all addresses here."""
        prog.add_memory_segment(0, _SIZE, lambda address, count, *_: self.read(address, count))

    def read(self, address: int, count: int) -> bytes:
        """
        Read bytes.

        :raises FaultError: if one of them is on no page
        """
        data = bytearray()
        while len(data) < count:
            page, offset = divmod(address + len(data), PAGE)
            if page not in self._pages:
                unmapped = "not mapped: its pte entry is 0x0"
                why = unmapped if page in self._unmapped else "not in the dump"
                raise FaultError(why, address + len(data))
            data += self._pages[page][offset : offset + count - len(data)]
        return bytes(data)

    def write(self, address: int, data: bytes) -> None:
        """Write bytes, on pages that are made as they are needed."""
        while data:
            page, offset = divmod(address, PAGE)
            piece, data = data[: PAGE - offset], data[PAGE - offset :]
            whole = self._pages.setdefault(page, bytearray(PAGE))
            whole[offset : offset + len(piece)] = piece
            address += len(piece)

    def unmap(self, address: int) -> None:
        """Say that the kernel has nothing on the page of an address, which was not written."""
        self._unmapped.add(address // PAGE)

    def lose(self, address: int) -> None:
        """Take the page of an address away."""
        del self._pages[address // PAGE]

    @property
    def pages(self) -> list[int]:
        """The addresses of all pages."""
        return [page * PAGE for page in self._pages]

    @contextmanager
    def without(self, address: int) -> Iterator[None]:
        """Take the page of an address away for a while."""
        page = self._pages.pop(address // PAGE)
        try:
            yield
        finally:
            self._pages[address // PAGE] = page
