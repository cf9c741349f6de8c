# SPDX-License-Identifier: GPL-2.0-or-later
"""Many words at once: few large reads instead of one for each place."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from drgn import FaultError, Program

_MAX_READ = 1 << 20
"""Bytes of one read."""
_MAX_GAP = 1 << 16
"""Unwanted bytes between two places that are worth reading to save a read."""


def read_words(
    prog: Program, addresses: npt.NDArray[np.uint64], count: int, page_size: int
) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.bool_]]:
    """
    Read little-endian 32-bit words at many addresses, in any order.

    Where a large read fails, its pages are read one by one, so that an unreadable page costs
    only the places that reach into it.

    :param addresses: shape (n,), in bytes
    :param count: words to read at each
    :param page_size: of the target, in bytes
    :return: the words, shape (n, count), 0 where they cannot be read; and whether they could be,
        shape (n,)
    """
    size = 4 * count
    words = np.zeros((len(addresses), count), np.uint32)
    readable = np.zeros(len(addresses), np.bool_)
    order = np.argsort(addresses, kind="stable")
    ordered = addresses[order]
    for first, end in _chunks(ordered, size):
        start = int(ordered[first])
        stop = int(ordered[end - 1]) + size
        data, known = _read_range(prog, start, stop, page_size)
        offsets = (ordered[first:end] - np.uint64(start)).astype(np.int64)
        places = offsets[:, np.newaxis] + np.arange(size)
        chosen = order[first:end]
        words[chosen] = np.ascontiguousarray(data[places]).view("<u4")
        readable[chosen] = known[places].all(axis=1)
    words[~readable] = 0
    return words, readable


def _chunks(ordered: npt.NDArray[np.uint64], size: int) -> Iterator[tuple[int, int]]:
    """Yield [first, end) of the addresses that one read serves."""
    first = 0
    apart = np.flatnonzero(np.diff(ordered) > np.uint64(_MAX_GAP)) + 1
    for end in [*apart.tolist(), len(ordered)]:
        while first < end:
            limit = min(int(ordered[first]) + _MAX_READ - size, (1 << 64) - 1)
            last = int(np.searchsorted(ordered[:end], np.uint64(limit), side="right"))
            last = max(last, first + 1)
            yield first, last
            first = last


def _read_range(
    prog: Program, start: int, stop: int, page_size: int
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.bool_]]:
    """Return the bytes of [start, stop), and which of them could be read."""
    try:
        data = prog.read(start, stop - start)
    except (FaultError, OverflowError):
        pass
    else:
        return np.frombuffer(data, np.uint8), np.ones(stop - start, np.bool_)
    bytes_ = np.zeros(stop - start, np.uint8)
    known = np.zeros(stop - start, np.bool_)
    here = start
    while here < stop:
        end = min(stop, (here & -page_size) + page_size)
        try:
            data = prog.read(here, end - here)
        except (FaultError, OverflowError):
            data = b""
        bytes_[here - start : here - start + len(data)] = np.frombuffer(data, np.uint8)
        known[here - start : here - start + len(data)] = True
        here = end
    return bytes_, known
