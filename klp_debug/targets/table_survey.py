# SPDX-License-Identifier: GPL-2.0-or-later
"""
Whether bitmap, page descriptors and page data of a kdump file agree.

makedumpfile's page data begins where the table of page descriptors ends, and pages follow each
other in the order of their frames (write_kdump_pages_cyclic()). First may be a page of zeros, for
all frames that are of zeros (``-d 1``), be there such frames or not. If one bit of the bitmap
flips, the table seems one descriptor longer or shorter than it is, and each page behind that
bit is taken for another. What cannot be seen so: as many bits set as cleared, and a wrong offset
that is one of page data, too.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from klp_debug.targets.page_descriptors import DESCRIPTOR_SIZE, PageDescriptors

_NOWHERE = 1 << 64


@dataclass(frozen=True, slots=True)
class TableSurvey:
    """What all page descriptors say together."""

    here: int
    """How many have their data in the file."""
    outside: int
    """How many point out of the file, though it was not cut there: a page behind them is here."""
    inside: int
    """How many point into what is before the page data."""
    surplus: int
    """How many more descriptors than pages in the bitmap there seem to be; less than 0: fewer."""

    def damage(self, pages: int) -> str | None:
        """
        Return what is said of a damaged file; None if nothing is wrong.

        >>> TableSurvey(here=9, outside=0, inside=0, surplus=-1).damage(10)
        'damaged: its bitmap tells of 10 pages, its table of 9: some may be taken for others'

        :param pages: that its bitmap speaks of
        """
        if self.surplus:
            return (
                f"damaged: its bitmap tells of {pages} pages, its table of {pages + self.surplus}:"
                " some may be taken for others"
            )
        astray = self.outside + self.inside
        if astray:
            what = "page descriptors point" if astray > 1 else "page descriptor points"
            return f"damaged: {astray} {what} where no page can be"
        return None

    @property
    def unfounded(self) -> int:
        """How many pages are missing by that damage, and not because the file was cut short."""
        return self.outside + max(-self.surplus, 0)


def survey(descriptors: PageDescriptors, pages: int, page_size: int) -> TableSurvey:
    """
    Look at all page descriptors.

    :param pages: that the bitmap speaks of, those of other parts too
    :param page_size: bytes
    :raises OSError: if the file cannot be read
    """
    end = descriptors.start + pages * DESCRIPTOR_SIZE
    here = lost = outside = inside = highest = 0
    lowest = lowest_behind = _NOWHERE
    for offsets, sizes, held in descriptors.all():
        written = (offsets != 0) & (sizes != 0)
        found = written & held
        missing = written & ~held
        # Of frames of zeros the page is here however much was cut off: it tells nothing.
        reached = np.maximum.accumulate(np.where(found, offsets, 0))
        before = np.concatenate((np.zeros(1, np.uint64), reached[:-1])).clip(highest)
        (further,) = np.nonzero(reached > before)
        if len(further):
            outside = lost + int(np.count_nonzero(missing[: further[-1]]))
        highest = max(highest, int(reached[-1]))
        here += int(np.count_nonzero(found))
        lost += int(np.count_nonzero(missing))
        inside += int(np.count_nonzero(found & (offsets < end)))
        lowest = min(lowest, _least(offsets[found & (offsets > descriptors.start)]))
        lowest_behind = min(lowest_behind, _least(offsets[found & (offsets >= end)]))
    surplus = 0
    if here and lowest_behind - end not in (0, page_size):
        surplus = _surplus(lowest - end, page_size)
    return TableSurvey(here, outside, inside, surplus)


def _least(offsets: npt.NDArray[np.uint64]) -> int:
    return int(offsets.min()) if len(offsets) else _NOWHERE


def _surplus(gap: int, page_size: int) -> int:
    """
    Return how many page descriptors too few the bitmap tells of; 0 where that cannot be.

    :param gap: bytes between the end of the table and the first page data, but that of zeros
    """
    for distance in (gap, gap - page_size):
        if distance % DESCRIPTOR_SIZE == 0:
            return distance // DESCRIPTOR_SIZE
    return 0
