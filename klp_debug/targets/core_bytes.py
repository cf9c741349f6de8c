# SPDX-License-Identifier: GPL-2.0-or-later
"""
The bytes of a dump's file, whether makedumpfile flattened it or not.

A flattened dump (``makedumpfile -F``, for a pipe) is a row of records, each of which says where
in the dump its bytes belong. Source of the format: makedumpfile.h.
"""

import errno
import os
import struct
import weakref
from bisect import bisect_right
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from klp_debug.errors import TargetError

_FLATTENED_SIGNATURE = b"makedumpfile\0"
_FLATTENED_HEADER_SIZE = 4096
_FLATTENED_RECORD = struct.Struct(">qq")
"""Offset in the dump and size in bytes of what follows; both -1 in the end mark."""
_HEAD_SIZE = 1024


class CoreBytes:
    """An open file that holds a dump; it is closed when nobody uses it any more."""

    def __init__(self, path: Path) -> None:
        """
        Open the file.

        :raises OSError: if it cannot be read
        """
        self.path = path
        self.stream = path.open("rb")
        """For who parses the file as it is."""
        weakref.finalize(self, self.stream.close)
        self._fd = self.stream.fileno()
        start = os.pread(self._fd, len(_FLATTENED_SIGNATURE), 0)
        self.flattened = start == _FLATTENED_SIGNATURE
        self.size = os.fstat(self._fd).st_size
        """Of the file, in bytes."""

    @cached_property
    def head(self) -> bytes:
        """
        The first 1024 bytes of the dump, or as many as there are.

        :raises OSError: if the file cannot be read
        :raises TargetError: if it is damaged
        """
        # Of a flattened ELF core they are not in the first record.
        first = next(self.held(0, _HEAD_SIZE), range(0))
        return self.at(0, first.stop) if first.start == 0 else b""

    def at(self, offset: int, size: int) -> bytes:
        """
        Return bytes of the dump, whatever pieces of the file they lie in.

        :raises OSError: if the file cannot be read
        :raises TargetError: if it ends before them, or is damaged
        """
        starts, positions, sizes = self._pieces
        parts = []
        while size > 0:
            index = bisect_right(starts, offset) - 1
            within = offset - starts[index] if index >= 0 else 0
            count = min(size, sizes[index] - within) if index >= 0 else 0
            if count <= 0:
                raise TargetError(f"{self.path} is truncated: no byte {offset:#x} in it")
            part = os.pread(self._fd, count, positions[index] + within)
            if len(part) != count:
                raise TargetError(f"{self.path} is truncated: it ends at {self.size} bytes")
            parts.append(part)
            offset += count
            size -= count
        return b"".join(parts)

    def next_written(self, offset: int) -> int:
        """
        Return the first byte from some byte on that is in no hole of the file: those are of zeros.

        It may lie behind the end of the dump.

        :raises OSError: if the file cannot be read
        """
        if self.flattened or offset >= self.size:
            return offset
        try:
            return os.lseek(self._fd, offset, os.SEEK_DATA)
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
            return self.size  # all that follows is a hole

    @property
    def lacks_end_mark(self) -> bool:
        """
        Whether it is flattened and ends before its end mark.

        :raises OSError: if the file cannot be read
        :raises TargetError: if it is damaged
        """
        return not self._layout[1]

    def held(self, offset: int, size: int) -> Iterator[range]:
        """
        Yield which of some bytes of the dump are in the file, in their order.

        :raises OSError: if the file cannot be read
        :raises TargetError: if it is damaged
        """
        starts, ends = self._extents
        index = max(bisect_right(starts, offset) - 1, 0)
        while index < len(starts) and starts[index] < offset + size:
            run = range(max(offset, starts[index]), min(offset + size, ends[index]))
            if run:
                yield run
            index += 1

    def holds(
        self, offsets: npt.NDArray[np.uint64], sizes: npt.NDArray[np.uint64]
    ) -> npt.NDArray[np.bool_]:
        """
        Return of many pieces of the dump whether all their bytes are in the file.

        :raises OSError: if the file cannot be read
        :raises TargetError: if it is damaged
        """
        starts, ends = (np.array(edges, np.uint64) for edges in self._extents)
        if not len(starts):
            return np.zeros(len(offsets), np.bool_)
        index = np.searchsorted(starts, offsets, side="right") - 1
        end = ends[index]  # of the last one, for what lies before the first
        # Not by the sum of offset and size: a damaged one may be as large as it can be.
        within: npt.NDArray[np.bool_] = (index >= 0) & (offsets <= end)
        return within & (sizes <= np.where(within, end - np.minimum(offsets, end), 0))

    @cached_property
    def _extents(self) -> tuple[list[int], list[int]]:
        """Where the bytes that are in the file start and end, as few and as long as can be."""
        starts: list[int] = []
        ends: list[int] = []
        pieces, _, sizes = self._pieces
        for start, size in zip(pieces, sizes, strict=True):
            if ends and start <= ends[-1]:
                ends[-1] = max(ends[-1], start + size)
            else:
                starts.append(start)
                ends.append(start + size)
        return starts, ends

    @property
    def _pieces(self) -> tuple[list[int], list[int], list[int]]:
        return self._layout[0]

    @cached_property
    def _layout(self) -> tuple[tuple[list[int], list[int], list[int]], bool]:
        """
        Where each piece of the dump starts, its place in the file and its size in bytes.

        And whether these are all: a flattened file may end before its end mark.
        """
        if not self.flattened:
            return ([0], [0], [self.size]), True
        pieces = []
        position = _FLATTENED_HEADER_SIZE
        ended = False
        while True:
            record = os.pread(self._fd, _FLATTENED_RECORD.size, position)
            if len(record) < _FLATTENED_RECORD.size:
                break
            offset, size = _FLATTENED_RECORD.unpack(record)
            if offset == -1 and size == -1:
                ended = True
                break
            if offset < 0 or size <= 0:
                raise TargetError(
                    f"{self.path} is a damaged kdump file: bad record at {position:#x}"
                )
            position += _FLATTENED_RECORD.size
            here = min(size, self.size - position)
            if here > 0:
                pieces.append((offset, position, here))
            position += size
        pieces.sort(key=lambda piece: piece[0])
        return (
            [start for start, _, _ in pieces],
            [place for _, place, _ in pieces],
            [size for _, _, size in pieces],
        ), ended
