# SPDX-License-Identifier: GPL-2.0-or-later
"""
Where a kdump file has the data of each page: its table of page descriptors.

A machine of 4 TB has some gigabytes of them: one is read where its page is asked for.
Source of the format: ``struct page_desc`` in makedumpfile's diskdump_mod.h.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from klp_debug.targets.core_bytes import CoreBytes
from klp_debug.targets.notes import ByteOrder

DESCRIPTOR_SIZE = 24
"""Bytes of one."""
_AT_ONCE = 1 << 16
"""As many are read at once where all of them are looked at."""
_Numbers = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class PageDescriptor:
    """One page: where its data is in the dump, how many bytes, and how it is compressed."""

    offset: int
    size: int
    flags: int

    @property
    def written(self) -> bool:
        """Whether makedumpfile came to it: where its disk was full, it is left all zero."""
        return self.offset != 0 and self.size != 0


class PageDescriptors:
    """The table in a dump's file."""

    def __init__(self, data: CoreBytes, start: int, count: int, order: ByteOrder) -> None:
        """
        Take what its place and size are.

        :param start: where it is in the dump, in bytes
        :param count: how many there are in it
        """
        self._data = data
        self.start = start
        """Where it is in the dump, in bytes."""
        self._order = order
        self.count = count
        """How many there are."""

    def at(self, rank: int) -> PageDescriptor | None:
        """
        Return one of them; None if the file ends before it.

        :raises OSError: if the file cannot be read any more
        """
        place = self.start + rank * DESCRIPTOR_SIZE
        if list(self._data.held(place, DESCRIPTOR_SIZE)) != [range(place, place + DESCRIPTOR_SIZE)]:
            return None
        return PageDescriptor(*struct.unpack(f"{self._order}QII", self._data.at(place, 16)))

    def has_data(self, page: PageDescriptor) -> bool:
        """Return whether all the data of a page is in the file."""
        end = page.offset + page.size
        return list(self._data.held(page.offset, page.size)) == [range(page.offset, end)]

    @property
    def any_here(self) -> bool:
        """
        Whether the file has any part of the table; a flattened file may have it at its end.

        :raises OSError: if the file cannot be read
        """
        return any(self._data.held(self.start, self.count * DESCRIPTOR_SIZE))

    def all(self) -> Iterator[tuple[_Numbers, _Numbers, npt.NDArray[np.bool_]]]:
        """
        Yield all that are in the file, in their order, many at once.

        Of each the offset and the size of its data in bytes, and whether all that data is in the
        file. Pages may share data: those of zeros do.

        :raises OSError: if the file cannot be read
        """
        for first in range(0, self.count, _AT_ONCE):
            size = min(_AT_ONCE, self.count - first) * DESCRIPTOR_SIZE
            for run in self._data.held(self.start + first * DESCRIPTOR_SIZE, size):
                offsets, sizes = self._fields(run)
                if len(offsets):
                    yield offsets, sizes, self._data.holds(offsets, sizes)

    def _fields(self, run: range) -> tuple[_Numbers, _Numbers]:
        """Return those in some bytes of the file, whose first and last one may be cut."""
        first = -(-(run.start - self.start) // DESCRIPTOR_SIZE)
        count = (run.stop - self.start) // DESCRIPTOR_SIZE - first
        if count <= 0:
            return np.empty(0, np.uint64), np.empty(0, np.uint64)
        table = self._data.at(self.start + first * DESCRIPTOR_SIZE, count * DESCRIPTOR_SIZE)
        order = self._order
        names = [("offset", f"{order}u8"), ("size", f"{order}u4"), ("flags", f"{order}u4")]
        fields = np.frombuffer(table, np.dtype([*names, ("page_flags", f"{order}u8")]))
        return fields["offset"].astype(np.uint64), fields["size"].astype(np.uint64)
