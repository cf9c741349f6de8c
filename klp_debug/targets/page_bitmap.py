# SPDX-License-Identifier: GPL-2.0-or-later
"""
Which page frames a kdump file holds, and the how-manieth of them each is.

The bitmap of a machine of 4 TB has 8 MB to 128 MB. Only the number of frames before each block of
it is kept in memory; a block is read again where a frame of it is asked for.
"""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from klp_debug.targets.core_bytes import CoreBytes

_BLOCK = 4096
"""Bytes of the bitmap whose frames are counted together; divides every size that it can have."""
_READ_AT_ONCE = 1 << 20


class PageBitmap:
    """A bitmap of page frames in a dump's file, the lowest bit of each byte first."""

    def __init__(self, data: CoreBytes, start: int, size: int) -> None:
        """
        Count its bits.

        :param start: where it is in the dump, in bytes
        :param size: in bytes, a multiple of 4096
        :raises OSError: if the file cannot be read
        :raises TargetError: if the file ends before it does
        """
        self._data = data
        self._start = start
        self.frames = size * 8
        """Of how many it speaks."""
        ends = np.cumsum(self._counts(size))
        self._before: npt.NDArray[np.int64] = np.concatenate(([0], ends))
        self.count = int(self._before[-1])
        """How many bits are set."""
        self._block = lru_cache(maxsize=64)(self._read_block)

    def _counts(self, size: int) -> npt.NDArray[np.int64]:
        counts = [np.empty(0, np.int64)]
        for at in range(0, size, _READ_AT_ONCE):
            part = self._data.at(self._start + at, min(_READ_AT_ONCE, size - at))
            blocks = np.frombuffer(part, np.uint64).reshape(-1, _BLOCK // 8)
            counts.append(np.bitwise_count(blocks).sum(axis=1, dtype=np.int64))
        return np.concatenate(counts)

    def _read_block(self, number: int) -> bytes:
        return self._data.at(self._start + number * _BLOCK, _BLOCK)

    def rank(self, frame: int) -> int | None:
        """
        Return how many frames before this one are there; None if it is not there itself.

        :raises OSError, TargetError: if the file cannot be read any more
        """
        if not 0 <= frame < self.frames:
            return None
        there, before = self._look_at(frame)
        return before if there else None

    def before(self, frame: int) -> int:
        """
        Return how many frames before this one are there.

        :raises OSError, TargetError: if the file cannot be read any more
        """
        return self._look_at(frame)[1] if frame < self.frames else self.count

    @property
    def counts(self) -> bytes:
        """How many of its bits are set, block by block: what differs tells two bitmaps apart."""
        return self._before.tobytes()

    def _look_at(self, frame: int) -> tuple[bool, int]:
        """Return whether a frame is there, and how many before it are."""
        number, bit = divmod(frame, 8 * _BLOCK)
        bits = int.from_bytes(self._block(number)[: bit // 8 + 1], "little")
        before = int(self._before[number]) + (bits & ((1 << bit) - 1)).bit_count()
        return bool(bits >> bit & 1), before
