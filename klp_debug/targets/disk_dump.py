# SPDX-License-Identifier: GPL-2.0-or-later
"""
The kdump file format, as far as libkdumpfile does not read that of ppc64.

drgn reads kdump files through libkdumpfile. That refuses what QEMU's ``dump-guest-memory -z``
writes of a ppc64 guest: a big-endian header whatever the guest is, machine ``Unknown`` and no
vmcoreinfo (``dump/dump.c``), so that no reader can tell the architecture. It also refuses pages
of 4096 bytes ("Unsupported page shift: 12"), and a file that was cut short kills it: it maps the
file, and a page behind its end is a bus error. Only the pages are taken from such files here.
Source of the format: makedumpfile's diskdump_mod.h.
"""

import struct
from dataclasses import dataclass
from functools import lru_cache

from drgn import FaultError, Program

from klp_debug.errors import TargetError
from klp_debug.targets.core_bytes import CoreBytes
from klp_debug.targets.core_file import MAX_NOTES, CoreKind, other_architecture
from klp_debug.targets.not_whole import lost_memory
from klp_debug.targets.notes import ByteOrder
from klp_debug.targets.page_bitmap import PageBitmap
from klp_debug.targets.page_compression import PackedPageError, unpacked
from klp_debug.targets.page_descriptors import DESCRIPTOR_SIZE, PageDescriptor, PageDescriptors
from klp_debug.targets.paged_memory import PageRead, add_pages, add_refusal, read_pages
from klp_debug.targets.table_survey import survey
from klp_debug.targets.vmcoreinfo import MAX_SIZE, Vmcoreinfo

_UNKNOWN_TO_LIBKDUMPFILE = 4096
"""A page size, in bytes, that it does not read of ppc64."""
_MOST_MEMORY = 1 << 51
"""Bytes up to which physical memory can reach: the kernel's MAX_PHYSMEM_BITS (hash.h, radix.h)."""
_CACHED = 1 << 24
"""Bytes of pages that are kept."""
_UTSNAME_FIELD = 65
_VERSION_WITH_SPLIT = 2
_VERSION_WITH_VMCOREINFO = 3
_VERSION_WITH_NOTES = 4
_VERSION_WITH_64_BITS = 6
"""Since then the sub header has page frame numbers of 64 bits."""
_DUMP_DH_COMPRESSED_INCOMPLETE = 0x8
"""In the header: the disk was full before all pages were written."""


@dataclass(frozen=True, slots=True)
class Part:
    """What one file of ``makedumpfile --split`` holds, in page frame numbers."""

    frames: range
    of: int
    """How many page frames the machine has."""

    @property
    def is_all(self) -> bool:
        """Whether it holds all: of a small machine the other parts are empty."""
        return self.frames.start == 0 and self.frames.stop >= self.of

    def __str__(self) -> str:
        """Say what it holds."""
        if not self.frames:
            return f"an empty part of a split dump of {self.of:#x} page frames"
        name = "a part from the middle"
        if self.frames.start == 0:
            name = "part 1"
        elif self.frames.stop >= self.of:
            name = "the last part"
        last = self.frames.stop - 1
        return (
            f"{name} of a split dump: page frames {self.frames.start:#x} to {last:#x} of"
            f" {self.of:#x}"
        )


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
        :raises TargetError: if it is not of a ppc64le kernel, damaged, or cut short before its
            first page
        """
        self.path = path = data.path
        self.kind = _kind(data)
        self._data = data
        # struct disk_dump_header: header_version tells the byte order, as libkdumpfile does.
        (version,) = struct.unpack("<i", data.at(8, 4))
        self._order: ByteOrder = "<" if 0 < version < 1 << 16 else ">"
        (self._version,) = struct.unpack(f"{self._order}i", data.at(8, 4))
        status, block_size, sub_header, bitmap_blocks, pages = struct.unpack(
            f"{self._order}IiiiI", data.at(424, 20)
        )
        if block_size not in (4096, 65536) or not 0 < sub_header < 4096 or bitmap_blocks < 2:
            raise TargetError(f"{path} is a damaged kdump file: its header makes no sense")
        self.page_size: int = block_size
        self._marked_incomplete = bool(status & _DUMP_DH_COMPRESSED_INCOMPLETE)
        bitmap = (1 + sub_header) * block_size
        half = bitmap_blocks // 2 * block_size
        if half * 8 * block_size > _MOST_MEMORY:
            raise TargetError(f"{path} is a damaged kdump file: its bitmap is too large")
        if half * 8 < pages:
            raise TargetError(f"{path} is a damaged kdump file: its bitmap is too small")
        # The first half tells which frames the machine had, the second which were dumped.
        self._dumped = PageBitmap(data, bitmap + half, half)
        self.part = self._read_part(pages)
        """What it holds of a split dump; None if it is no part of one."""
        self._frames = range(self._dumped.frames)
        if self.part is not None:
            self._frames = self.part.frames
        self._first = self._dumped.before(self._frames.start)
        listed = self._dumped.before(self._frames.stop) - self._first
        table = bitmap + 2 * half
        self._descriptors = PageDescriptors(data, table, listed, self._order)
        surveyed = survey(self._descriptors, self._dumped.count, block_size)
        self.here = surveyed.here
        """How many pages it holds."""
        if listed and not self.here:
            lost = "pages" if self._descriptors.any_here else "page descriptors"
            raise TargetError(
                f"{path} is truncated: it holds none of the {listed} {lost} that its bitmap"
                " speaks of"
            )
        self.damage: str | None = None
        """What in its tables does not agree; None if all does."""
        self._table = range(listed)
        """Which page descriptors there are."""
        self._page_data = 0
        """Where page data begins, or less, in bytes."""
        # In what a flattened file still has, if it was cut short, page data may be before other.
        if not self.kind.by_qemu and not data.lacks_end_mark:
            self.damage = surveyed.damage(self._dumped.count)
            count = self._dumped.count + surveyed.surplus
            self._table = range(min(listed, count))
            self._page_data = table + count * DESCRIPTOR_SIZE
        self.listed = listed
        """How many pages it lists, but for those that are missing by such damage."""
        if self.damage is not None:
            self.listed -= min(surveyed.unfounded, listed - self.here)
        self.page: PageRead = lru_cache(_CACHED // self.page_size)(self._read_page)

    @property
    def ram(self) -> list[range]:
        """The physical memory that its bitmap speaks of."""
        return [range(self._dumped.frames * self.page_size)]

    @property
    def by_drgn(self) -> bool:
        """Whether drgn can open it; what lacks its end mark may kill it, not only fail."""
        return not self.kind.by_qemu and not self._data.lacks_end_mark

    @property
    def not_whole(self) -> tuple[str, ...]:
        """What is damaged in it, and what it lacks."""
        said = [what for what in (self.damage, self.lacks) if what is not None]
        if self.part is not None and not self.part.is_all:
            said.append(f"{self.part}; give all parts: -c PART1 -c PART2")
        return tuple(said)

    @property
    def lacks(self) -> str | None:
        """What it lacks of the pages that it lists; None if it has them all."""
        lost = lost_memory(
            self.here, self.listed, "of the pages are here", marked=self._marked_incomplete
        )
        if lost is None and self._data.lacks_end_mark:
            return "cut short: its end mark is missing, though all pages that it lists are here"
        return lost

    @property
    def identity(self) -> tuple[bytes, Vmcoreinfo | None, bytes]:
        """
        What all parts of one dump have in common: header, vmcoreinfo and bitmap.

        :raises TargetError: if the vmcoreinfo is damaged
        """
        # Without the status, which tells how the pages are compressed and whether any are missing.
        header = self._data.at(0, 424) + self._data.at(428, 16)
        return header, self.vmcoreinfo, self._dumped.counts

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

    def _read_part(self, pages: int) -> Part | None:
        """
        Read what it holds of a split dump.

        :param pages: of the machine, as the header has it
        """
        if self._version < _VERSION_WITH_SPLIT:
            return None
        (split,) = struct.unpack(f"{self._order}i", self._data.at(self.page_size + 12, 4))
        if not split:
            return None
        place, form = self.page_size + 16, f"{self._order}QQ"
        if self._version >= _VERSION_WITH_64_BITS:
            place, form = self.page_size + 80, f"{self._order}QQQ"
        start, end, *more = struct.unpack(form, self._data.at(place, struct.calcsize(form)))
        (pages,) = more or [pages]
        if not start <= end <= pages <= self._dumped.frames:
            raise TargetError(
                f"{self.path} is a damaged kdump file: it claims the page frames {start:#x} to"
                f" {end:#x} of {pages:#x}"
            )
        return Part(range(start, end), pages)

    def _read_page(self, frame: int) -> bytes:
        try:
            page = self._find(frame)
            return unpacked(self._data.at(page.offset, page.size), page.flags, self.page_size)
        except (OSError, TargetError, PackedPageError) as error:
            raise FaultError(str(error), frame * self.page_size) from None

    def _find(self, frame: int) -> PageDescriptor:
        """Return where a page is whose data is in the file."""
        address = frame * self.page_size
        rank = self._dumped.rank(frame)
        if rank is None:
            raise FaultError("the dump does not hold this page", address)
        if frame not in self._frames:
            raise FaultError("this page is in another part of the split dump", address)
        if rank - self._first not in self._table:
            raise FaultError("the dump has no page descriptor for this page", address)
        page = self._descriptors.at(rank - self._first)
        if page is None:
            raise FaultError("this page was cut off the file", address)
        if not page.written:
            raise FaultError("makedumpfile could not write this page any more", address)
        if page.size > self.page_size:
            raise FaultError(f"its page descriptor claims {page.size} bytes", address)
        if page.offset < self._page_data:
            raise FaultError("its page descriptor points before the pages", address)
        if not self._descriptors.has_data(page):
            cut = "this page was cut off the file"
            astray = "its page descriptor points out of the file"
            raise FaultError(cut if self.lacks else astray, address)
        return page

    def read(self, address: int, size: int) -> bytes:
        """
        Read physical memory.

        :raises drgn.FaultError: if a page of it is not in the dump or cannot be decompressed
        """
        return read_pages(self.page, self.page_size, address, size)

    def add_memory(self, prog: Program) -> None:
        """Let a program read the physical memory, without drgn's own reader."""
        add_pages(prog, self.page, self.page_size, self._dumped.frames)

    def correct_memory(self, prog: Program) -> None:
        """Let a program that drgn opened read here what libkdumpfile cannot, or must not."""
        if self.not_whole:
            add_refusal(prog)
        if self.not_whole or self.page_size == _UNKNOWN_TO_LIBKDUMPFILE:
            self.add_memory(prog)


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
