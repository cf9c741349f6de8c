# SPDX-License-Identifier: GPL-2.0-or-later
"""
The kdump file format, as far as libkdumpfile does not read that of ppc64.

drgn reads kdump files through libkdumpfile. That refuses what QEMU's ``dump-guest-memory -z``
writes of a ppc64 guest: a big-endian header whatever the guest is, machine ``Unknown`` and no
vmcoreinfo (``dump/dump.c``), so that no reader can tell the architecture. It also refuses pages
of 4096 bytes ("Unsupported page shift: 12"). Only the pages are taken from such files here.
Source of the format: makedumpfile's diskdump_mod.h.
"""

import struct
import zlib
from functools import lru_cache

import numpy as np
from drgn import FaultError, Program

from klp_debug.errors import TargetError
from klp_debug.targets.core_bytes import CoreBytes
from klp_debug.targets.core_file import MAX_NOTES, CoreFile, CoreKind, other_architecture
from klp_debug.targets.notes import ByteOrder
from klp_debug.targets.page_bitmap import PageBitmap
from klp_debug.targets.vmcoreinfo import MAX_SIZE, Vmcoreinfo

_UNKNOWN_TO_LIBKDUMPFILE = 4096
"""A page size, in bytes, that it does not read of ppc64."""
_UTSNAME_FIELD = 65
_VERSION_WITH_VMCOREINFO = 3
_VERSION_WITH_NOTES = 4
_DESCRIPTOR_SIZE = 24
_CHECKED_AT_ONCE = 1 << 16
"""Page descriptors that are read at once where all of them are looked at."""
_DUMP_DH_COMPRESSED_ZLIB = 0x1
_COMPRESSIONS = {0x2: "LZO", 0x4: "Snappy", 0x20: "Zstandard"}


class DiskDump:
    """
    A kdump file, flattened or not; implements :class:`~klp_debug.targets.core_file.CoreFile`.

    What is kept in memory is little, however large the machine was: bitmap and page descriptors
    are read where a page is asked for.
    """

    def __init__(self, data: CoreBytes) -> None:
        """
        Read its headers.

        :raises OSError: if the file cannot be read
        :raises TargetError: if it is not of a ppc64le kernel, damaged or truncated
        """
        self.path = path = data.path
        self.kind = _kind(data)
        self._data = data
        # struct disk_dump_header: header_version tells the byte order, as libkdumpfile does.
        (version,) = struct.unpack("<i", data.at(8, 4))
        self._order: ByteOrder = "<" if 0 < version < 1 << 16 else ">"
        (self._version,) = struct.unpack(f"{self._order}i", data.at(8, 4))
        block_size, sub_header, bitmap_blocks, pages = struct.unpack(
            f"{self._order}iiiI", data.at(428, 16)
        )
        if block_size not in (4096, 65536) or not 0 < sub_header < 4096 or bitmap_blocks < 2:
            raise TargetError(f"{path} is a damaged kdump file: its header makes no sense")
        self.page_size: int = block_size
        bitmap = (1 + sub_header) * block_size
        half = bitmap_blocks // 2 * block_size
        if half * 8 < pages:
            raise TargetError(f"{path} is a damaged kdump file: its bitmap is too small")
        # The first half tells which frames the machine had, the second which were dumped.
        self._dumped = PageBitmap(data, bitmap + half, half)
        self._descriptors = bitmap + 2 * half
        self._check_end()
        self._page = lru_cache(maxsize=1024)(self._read_page)

    @property
    def ram(self) -> list[range]:
        """The physical memory that its bitmap speaks of."""
        return [range(self._dumped.frames * self.page_size)]

    @property
    def vmcoreinfo(self) -> Vmcoreinfo | None:
        """
        The kernel's vmcoreinfo; None in a dump of QEMU's.

        :raises TargetError: if it is damaged
        """
        data = self._by_sub_header(32, _VERSION_WITH_VMCOREINFO, MAX_SIZE, "vmcoreinfo")
        return Vmcoreinfo.from_bytes(data) if data else None

    def notes(self) -> tuple[bytes, ByteOrder]:
        """
        Return its ELF notes, one behind the other, and their byte order.

        :raises OSError: if the file cannot be read any more
        :raises TargetError: if they are cut short
        """
        return self._by_sub_header(48, _VERSION_WITH_NOTES, MAX_NOTES, "notes"), self._order

    def _by_sub_header(self, place: int, since: int, limit: int, what: str) -> bytes:
        """Return what struct kdump_sub_header has the offset and the size of, at a byte of it."""
        if self._version < since:
            return b""
        offset, size = struct.unpack(f"{self._order}QQ", self._data.at(self.page_size + place, 16))
        if size > limit:
            raise TargetError(f"{self.path} is a damaged kdump file: {size} bytes of {what}")
        return self._data.at(offset, size)

    def _check_end(self) -> None:
        """
        Refuse a file that ends before a page that it lists.

        Pages may share data (those of zeros do), so the last descriptor need not have the last.
        """
        end = 1
        left = self._dumped.count
        position = self._descriptors
        while left:
            count = min(left, _CHECKED_AT_ONCE)
            table = self._data.at(position, count * _DESCRIPTOR_SIZE)
            fields = np.frombuffer(table, self._descriptor_type())
            end = max(end, int((fields["offset"] + fields["size"]).max()))
            position += count * _DESCRIPTOR_SIZE
            left -= count
        self._data.at(end - 1, 1)

    def _descriptor_type(self) -> np.dtype[np.void]:
        order = self._order
        fields = [("offset", f"{order}u8"), ("size", f"{order}u4"), ("flags", f"{order}u4")]
        return np.dtype([*fields, ("page_flags", f"{order}u8")])

    def _read_page(self, frame: int) -> bytes:
        address = frame * self.page_size
        try:
            rank = self._dumped.rank(frame)
            if rank is None:
                raise FaultError("the dump does not hold this page", address)
            place = self._descriptors + rank * _DESCRIPTOR_SIZE
            offset, size, flags = struct.unpack(f"{self._order}QII", self._data.at(place, 16))
            if size > self.page_size:
                raise FaultError(f"its page descriptor claims {size} bytes", address)
            data = self._data.at(offset, size)
            if flags & _DUMP_DH_COMPRESSED_ZLIB:
                data = zlib.decompress(data)
            elif flags:
                name = _COMPRESSIONS.get(flags, f"flags {flags:#x}")
                raise FaultError(f"compressed by {name}", address)
        except (OSError, TargetError, zlib.error) as error:
            raise FaultError(str(error), address) from None
        if len(data) != self.page_size:
            raise FaultError("its page is cut short", address)
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

    def add_memory(self, prog: Program) -> None:
        """Let a program read the physical memory, without drgn's own reader."""

        def read(address: int, count: int, offset: int, physical: bool) -> bytes:
            return self.read(address, count)

        prog.add_memory_segment(0, self._dumped.frames * self.page_size, read, True)


def add_unread_pages(prog: Program, core: CoreFile, vmcoreinfo: Vmcoreinfo) -> None:
    """Let a program that drgn opened read the pages of its kdump file that libkdumpfile refuses."""
    if core.kind is CoreKind.KDUMP and vmcoreinfo.page_size == _UNKNOWN_TO_LIBKDUMPFILE:
        core.add_memory(prog)


def _kind(data: CoreBytes) -> CoreKind:
    # struct disk_dump_header: signature, header_version,
    # struct new_utsname { sysname, nodename, release, version, machine, domainname }.
    start = 12 + 4 * _UTSNAME_FIELD
    field = data.head[start : start + _UTSNAME_FIELD]
    machine = field.split(b"\0", 1)[0].decode("ascii", "replace")
    match machine:
        case "ppc64le":
            return CoreKind.KDUMP
        case "Unknown":  # QEMU's word for every guest that is neither x86 nor s390
            return CoreKind.QEMU_KDUMP
        case "ppc64":
            raise other_architecture(data.path, "big-endian ppc64")
        case "x86_64":
            raise other_architecture(data.path, "x86-64")
        case _:
            raise other_architecture(data.path, ascii(machine))
