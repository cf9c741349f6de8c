# SPDX-License-Identifier: GPL-2.0-or-later
"""
The kdump file format, as far as libkdumpfile does not read that of ppc64.

drgn reads kdump files through libkdumpfile. That refuses what QEMU's ``dump-guest-memory -z``
writes of a ppc64 guest: a big-endian header whatever the guest is, machine ``Unknown`` and no
vmcoreinfo (``dump/dump.c``), so that no reader can tell the architecture. It also refuses pages
of 4096 bytes ("Unsupported page shift: 12"). Only the pages are taken from such files here.
Source of the format: makedumpfile's diskdump_mod.h.
"""

import os
import struct
import zlib
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from drgn import FaultError, Program

from klp_debug.errors import TargetError

FLATTENED_HEADER_SIZE = 4096
FLATTENED_RECORD = struct.Struct(">qq")
"""Offset in the dump and size in bytes of what follows; both -1 in the end mark."""
FLATTENED_SIGNATURE = b"makedumpfile\0"

UNKNOWN_TO_LIBKDUMPFILE = 4096
"""A page size, in bytes, that it does not read of ppc64."""
_VERSION_WITH_NOTES = 4
_MAX_NOTES = 1 << 26
"""Bytes; QEMU writes less than 4 KiB for each CPU, and there are at most 8192."""
_DUMP_DH_COMPRESSED_ZLIB = 0x1
_COMPRESSIONS = {0x2: "LZO", 0x4: "Snappy", 0x20: "Zstandard"}


class DiskDump:
    """The pages of a kdump file, flattened or not."""

    def __init__(self, path: Path) -> None:
        """
        Read its headers.

        :raises OSError: if the file cannot be read
        :raises TargetError: if it is damaged or truncated
        """
        self._path = path
        self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._size = os.fstat(self._fd).st_size
        self._starts, self._positions, self._sizes = self._chunks()
        # struct disk_dump_header: header_version tells the byte order, as libkdumpfile does.
        (version,) = struct.unpack("<i", self._at(8, 4))
        self._order: Literal["<", ">"] = "<" if 0 < version < 1 << 16 else ">"
        (self._version,) = struct.unpack(f"{self._order}i", self._at(8, 4))
        block_size, sub_header, bitmap_blocks, pages = struct.unpack(
            f"{self._order}iiiI", self._at(428, 16)
        )
        if block_size not in (4096, 65536) or not 0 < sub_header < 4096 or bitmap_blocks < 2:
            raise TargetError(f"{path} is a damaged kdump file: its header makes no sense")
        self.page_size: int = block_size
        bitmap = (1 + sub_header) * block_size
        half = bitmap_blocks // 2 * block_size
        if half * 8 < pages:
            raise TargetError(f"{path} is a damaged kdump file: its bitmap is too small")
        dumped = np.frombuffer(self._at(bitmap + half, half), np.uint8)
        present = np.unpackbits(dumped, bitorder="little").astype(bool)
        self._present = present
        # The page descriptor of a frame is found by its rank among the frames present.
        self._rank: npt.NDArray[np.int64] = np.cumsum(present) - 1
        self.pages: int = len(present)
        descriptor = np.dtype(
            [
                ("offset", f"{self._order}u8"),
                ("size", f"{self._order}u4"),
                ("flags", f"{self._order}u4"),
                ("page_flags", f"{self._order}u8"),
            ]
        )
        table = self._at(bitmap + 2 * half, int(present.sum()) * descriptor.itemsize)
        self._descriptors = np.frombuffer(table, descriptor)
        self._page = lru_cache(maxsize=1024)(self._read_page)
        self._check_end()

    def notes(self) -> tuple[bytes, Literal["<", ">"]]:
        """
        Return the ELF notes of the file, one behind the other, and their byte order.

        :raises TargetError: if they are cut short
        """
        # struct kdump_sub_header: offset_note and size_note, since header_version 4.
        offset, size = struct.unpack(f"{self._order}QQ", self._at(self.page_size + 48, 16))
        if self._version < _VERSION_WITH_NOTES or not size:
            return b"", self._order
        if size > _MAX_NOTES:
            raise TargetError(f"{self._path} is a damaged kdump file: {size} bytes of notes")
        return self._at(offset, size), self._order

    def _chunks(self) -> tuple[npt.NDArray[np.int64], list[int], list[int]]:
        """Return where each piece of the dump starts, its place in the file and its size."""
        if os.pread(self._fd, len(FLATTENED_SIGNATURE), 0) != FLATTENED_SIGNATURE:
            return np.array([0]), [0], [self._size]
        chunks = []
        position = FLATTENED_HEADER_SIZE
        while True:
            record = os.pread(self._fd, FLATTENED_RECORD.size, position)
            if len(record) < FLATTENED_RECORD.size:
                raise TargetError(f"{self._path} is truncated: its end mark is missing")
            offset, size = FLATTENED_RECORD.unpack(record)
            if offset == -1 and size == -1:
                break
            if offset < 0 or size <= 0:
                raise TargetError(
                    f"{self._path} is a damaged kdump file: bad record at {position:#x}"
                )
            chunks.append((offset, position + FLATTENED_RECORD.size, size))
            position += FLATTENED_RECORD.size + size
        chunks.sort(key=lambda chunk: chunk[0])
        starts, positions, sizes = zip(*chunks, strict=True)
        return np.array(starts), list(positions), list(sizes)

    def _at(self, offset: int, size: int) -> bytes:
        """Return bytes of the dump proper, whatever pieces they lie in."""
        parts = []
        while size > 0:
            index = int(np.searchsorted(self._starts, offset, side="right")) - 1
            within = offset - int(self._starts[index]) if index >= 0 else 0
            count = min(size, self._sizes[index] - within) if index >= 0 else 0
            if count <= 0:
                raise TargetError(f"{self._path} is truncated: no byte {offset:#x} in it")
            part = os.pread(self._fd, count, self._positions[index] + within)
            if len(part) != count:
                raise TargetError(f"{self._path} is truncated: it ends at {self._size} bytes")
            parts.append(part)
            offset += count
            size -= count
        return b"".join(parts)

    def _check_end(self) -> None:
        last = int((self._descriptors["offset"] + self._descriptors["size"]).max(initial=1)) - 1
        self._at(last, 1)

    def _read_page(self, frame: int) -> bytes:
        if frame >= self.pages or not self._present[frame]:
            raise FaultError("the dump does not hold this page", frame * self.page_size)
        descriptor = self._descriptors[self._rank[frame]]
        size, flags = int(descriptor["size"]), int(descriptor["flags"])
        if size > self.page_size:
            raise FaultError(f"its page descriptor claims {size} bytes", frame * self.page_size)
        try:
            data = self._at(int(descriptor["offset"]), size)
            if flags & _DUMP_DH_COMPRESSED_ZLIB:
                data = zlib.decompress(data)
            elif flags:
                name = _COMPRESSIONS.get(flags, f"flags {flags:#x}")
                raise FaultError(f"compressed by {name}", frame * self.page_size)
        except (TargetError, zlib.error) as error:
            raise FaultError(str(error), frame * self.page_size) from None
        if len(data) != self.page_size:
            raise FaultError("its page is cut short", frame * self.page_size)
        return data

    def read(self, address: int, size: int) -> bytes:
        """
        Read physical memory.

        :raises drgn.FaultError: if a page of it is not in the dump or cannot be decompressed
        """
        parts = []
        while size > 0:
            within = address % self.page_size
            count = min(size, self.page_size - within)
            parts.append(self._page(address // self.page_size)[within : within + count])
            address += count
            size -= count
        return b"".join(parts)


def add_kdump_memory(prog: Program, path: Path) -> None:
    """
    Let the program read the physical memory that a kdump file holds.

    :raises OSError: if the file cannot be read
    :raises TargetError: if it is damaged or truncated
    """
    dump = DiskDump(path)

    def read(address: int, count: int, offset: int, physical: bool) -> bytes:
        return dump.read(address, count)

    prog.add_memory_segment(0, dump.pages * dump.page_size, read, True)
