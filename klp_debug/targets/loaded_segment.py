# SPDX-License-Identifier: GPL-2.0-or-later
"""A PT_LOAD segment of an ELF core: which of its addresses the file has the bytes of."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Self

from klp_debug.targets.translation import PAGE_OFFSET

_END = 1 << 64


@dataclass(frozen=True, slots=True)
class LoadedSegment:
    """One segment; all sizes are in bytes."""

    offset: int
    """Of its bytes in the file."""
    physical: int
    """Its physical address."""
    virtual: int
    """Its virtual address; QEMU writes 0."""
    size: int
    """Of the memory."""
    listed: int
    """How many bytes of it the file is to hold."""
    here: int
    """How many it holds."""

    @classmethod
    def of(cls, header: Any, file_size: int) -> Self:
        """Return what a program header says of a file of some size."""
        listed = header["p_filesz"]
        return cls(
            offset=header["p_offset"],
            physical=header["p_paddr"],
            virtual=header["p_vaddr"],
            size=max(listed, header["p_memsz"]),
            listed=listed,
            here=min(listed, max(0, file_size - header["p_offset"])),
        )

    def present(self, *, physical: bool) -> range:
        """Return the addresses whose bytes are in the file."""
        return self._addresses(0, self.here, physical=physical)

    def lost(self, *, physical: bool) -> range:
        """Return the addresses whose bytes were cut off the file."""
        return self._addresses(self.here, self.listed, physical=physical)

    def excluded(self, *, physical: bool) -> range:
        """Return the addresses whose bytes were not to be in the file."""
        return self._addresses(self.listed, self.size, physical=physical)

    def _addresses(self, first: int, end: int, *, physical: bool) -> range:
        start = self.physical if physical else self.virtual
        if not physical and start < PAGE_OFFSET:
            return range(0)  # drgn maps no kernel memory there
        return range(min(start + first, _END - 1), min(start + end, _END - 1))


def without(ranges: Iterable[range], others: Iterable[range]) -> Iterator[range]:
    """Yield what is left of some ranges of addresses without others."""
    taken = _united(others)
    ends = [other.stop for other in taken]
    for part in ranges:
        start = part.start
        # By its number: there may be so many that a slice for each would take minutes.
        number = bisect_right(ends, start)
        while start < part.stop and number < len(taken) and taken[number].start < part.stop:
            if start < taken[number].start:
                yield range(start, taken[number].start)
            start = taken[number].stop
            number += 1
        if start < part.stop:
            yield range(start, part.stop)


def _united(ranges: Iterable[range]) -> list[range]:
    """Return the same addresses in ranges that neither touch nor are empty, in their order."""
    united: list[range] = []
    for part in sorted((part for part in ranges if part), key=lambda part: part.start):
        if united and part.start <= united[-1].stop:
            united[-1] = range(united[-1].start, max(united[-1].stop, part.stop))
        else:
            united.append(part)
    return united
