# SPDX-License-Identifier: GPL-2.0-or-later
"""
Which page frames a kdump file holds, and the how-manieth of them each is.

The bitmap of a machine whose memory reaches up to 64 TiB has 128 MiB or 2 GiB, nearly all zeros.
Only the number of frames before each block of it is kept in memory, in 8 bytes for each 64 KiB; a
block is read again where a frame of it is asked for.
"""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from klp_debug.targets.core_bytes import CoreBytes

_BLOCK = 1 << 16
"""Bytes of the bitmap whose frames are counted together."""
_EMPTY = bytes(_BLOCK)


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
        self._size = size
        self.frames = size * 8
        """Of how many it speaks."""
        self._before = np.cumsum(self._counts())
        self.count = int(self._before[-1])
        """How many bits are set."""
        self._block = lru_cache(maxsize=16)(self._read_block)

    def _counts(self) -> npt.NDArray[np.int64]:
        """Return 0, and how many bits are set in each block."""
        self._data.at(self._start + self._size - 1, 1)  # or else a file that ends before has a hole
        counts = np.zeros(-(-self._size // _BLOCK) + 1, np.int64)
        at = 0
        while (at := self._data.next_written(self._start + at) - self._start) < self._size:
            number = at // _BLOCK
            block = self._read_block(number)
            # That is ten times as fast as to count.
            if block != _EMPTY:
                counts[number + 1] = _count(block)
            at = (number + 1) * _BLOCK
        return counts

    def _read_block(self, number: int) -> bytes:
        at = number * _BLOCK
        return self._data.at(self._start + at, min(_BLOCK, self._size - at))

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
        number, within = divmod(frame, 8 * _BLOCK)
        block = self._block(number)
        word, bit = divmod(within, 64)
        bits = int.from_bytes(block[8 * word : 8 * word + 8], "little")
        before = int(self._before[number]) + _count(memoryview(block)[: 8 * word])
        return bool(bits >> bit & 1), before + (bits & ((1 << bit) - 1)).bit_count()


def _count(words: bytes | memoryview) -> int:
    """Return how many bits are set in some words of 64 bits."""
    return int(np.bitwise_count(np.frombuffer(words, np.uint64)).sum(dtype=np.int64))
