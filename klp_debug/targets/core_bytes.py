# SPDX-License-Identifier: GPL-2.0-or-later
"""
The bytes of a dump's file, whether makedumpfile flattened it or not.

A flattened dump (``makedumpfile -F``, for a pipe) is a row of records, each of which says where
in the dump its bytes belong. Source of the format: makedumpfile.h.
"""

import os
import struct
import weakref
from bisect import bisect_right
from functools import cached_property
from pathlib import Path

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
        start = self.stream.read(_FLATTENED_HEADER_SIZE + _FLATTENED_RECORD.size + _HEAD_SIZE)
        self.flattened = start.startswith(_FLATTENED_SIGNATURE)
        self.head = start
        """The first bytes of the dump, 1024 at least if it has as many."""
        if self.flattened:
            self.head = start[_FLATTENED_HEADER_SIZE + _FLATTENED_RECORD.size :]
        self.size = os.fstat(self._fd).st_size
        """Of the file, in bytes."""

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

    @cached_property
    def _pieces(self) -> tuple[list[int], list[int], list[int]]:
        """Where each piece of the dump starts, its place in the file and its size in bytes."""
        if not self.flattened:
            return [0], [0], [self.size]
        pieces = []
        position = _FLATTENED_HEADER_SIZE
        while True:
            record = os.pread(self._fd, _FLATTENED_RECORD.size, position)
            if len(record) < _FLATTENED_RECORD.size:
                raise TargetError(f"{self.path} is truncated: its end mark is missing")
            offset, size = _FLATTENED_RECORD.unpack(record)
            if offset == -1 and size == -1:
                break
            if offset < 0 or size <= 0:
                raise TargetError(
                    f"{self.path} is a damaged kdump file: bad record at {position:#x}"
                )
            pieces.append((offset, position + _FLATTENED_RECORD.size, size))
            position += _FLATTENED_RECORD.size + size
        pieces.sort(key=lambda piece: piece[0])
        return (
            [start for start, _, _ in pieces],
            [place for _, place, _ in pieces],
            [size for _, _, size in pieces],
        )
