# SPDX-License-Identifier: GPL-2.0-or-later
"""
ELF cores: what /proc/vmcore and makedumpfile make, and QEMU's ``dump-guest-memory``.

drgn cannot use the latter: QEMU 7.2 writes a big-endian header for a little-endian guest, no
vmcoreinfo note, and p_vaddr 0 throughout (``target/ppc/arch_dump.c``); only its p_paddr and its
bytes are used.

``makedumpfile -E`` leaves pages out by a p_filesz below p_memsz: pages of zeros, and those that its
dump level excludes. drgn reads zeros there; but nothing tells the ones from the others, so nobody
knows what they held.
"""

import struct
from typing import Any

from drgn import FaultError, Program
from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile

from klp_debug.errors import TargetError
from klp_debug.targets.core_bytes import CoreBytes
from klp_debug.targets.core_file import MAX_NOTES, CoreKind, other_architecture
from klp_debug.targets.loaded_segment import LoadedSegment, without
from klp_debug.targets.not_whole import lost_memory
from klp_debug.targets.notes import ByteOrder, named_notes
from klp_debug.targets.paged_memory import add_absent
from klp_debug.targets.vmcoreinfo import Vmcoreinfo

_DUMP_ELF_INCOMPLETE = 0x1
"""In e_flags: makedumpfile's disk was full. The ABI is told there too, on ppc64le by 2."""


class ElfCore:
    """An ELF core; implements :class:`~klp_debug.targets.core_file.CoreFile`."""

    def __init__(self, data: CoreBytes) -> None:
        """
        Read its headers.

        :raises OSError: if the file cannot be read
        :raises TargetError: if it is no core of a ppc64le kernel, or cut short before its memory
        """
        self.path = path = data.path
        self._data = data
        try:
            elf = ELFFile(data.stream)
            _check_header(data, elf)
            self._segments = [segment.header for segment in elf.iter_segments()]
            _check_notes(data, self._segments)
            self._order: ByteOrder = "<" if elf.little_endian else ">"
            vmcoreinfo = [
                text
                for name, text in named_notes(*self.notes())
                if name.rstrip(b"\0") == b"VMCOREINFO"
            ]
        except (ELFError, ValueError, KeyError, struct.error, OverflowError) as error:
            raise TargetError(f"{path} is a damaged or truncated ELF core ({error})") from None
        loaded = [header for header in self._segments if header["p_type"] == "PT_LOAD"]
        if not loaded:
            raise TargetError(f"{path} is an ELF core without memory")
        self._loaded = [LoadedSegment.of(header, data.size) for header in loaded]
        self._listed = sum(segment.listed for segment in self._loaded)
        self._here = sum(segment.here for segment in self._loaded)
        if self._listed and not self._here:
            raise TargetError(f"{path} is truncated: it holds none of the memory that it lists")
        self._marked_incomplete = bool(elf.header["e_flags"] & _DUMP_ELF_INCOMPLETE)
        self._vmcoreinfo: bytes | None = vmcoreinfo[0] if vmcoreinfo else None
        # The header's byte order says nothing of the kernel inside of what QEMU writes.
        if self._vmcoreinfo is not None and not elf.little_endian:
            raise other_architecture(path, "big-endian ppc64")
        self.kind = CoreKind.QEMU_ELF if self._vmcoreinfo is None else CoreKind.ELF

    @property
    def by_drgn(self) -> bool:
        """Whether drgn can open it."""
        return not self.kind.by_qemu

    @property
    def not_whole(self) -> tuple[str, ...]:
        """What it lacks of the memory that it lists."""
        lacks = lost_memory(
            self._here, self._listed, "of its memory is here", marked=self._marked_incomplete
        )
        return (lacks,) if lacks else ()

    @property
    def ram(self) -> list[range]:
        """The physical memory whose bytes the file holds."""
        return [
            range(segment.physical, segment.physical + segment.here)
            for segment in self._loaded
            if segment.here
        ]

    @property
    def vmcoreinfo(self) -> Vmcoreinfo | None:
        """
        The kernel's vmcoreinfo; None in a dump of QEMU's.

        :raises TargetError: if it is damaged
        """
        return None if self._vmcoreinfo is None else Vmcoreinfo.from_bytes(self._vmcoreinfo)

    def notes(self) -> tuple[bytes, ByteOrder]:
        """
        Return its notes, one behind the other, and their byte order.

        :raises OSError: if the file cannot be read any more
        :raises TargetError: if it was cut short since it was opened
        """
        # One behind the other within a segment, too: a note's end is aligned to 4 bytes.
        parts = [
            self._data.at(segment["p_offset"], segment["p_filesz"])
            for segment in self._segments
            if segment["p_type"] == "PT_NOTE"
        ]
        return b"".join(parts), self._order

    def add_memory(self, prog: Program) -> None:
        """Let a program read the physical memory, without drgn's own reader."""
        for segment in self._loaded:
            if segment.here:
                self._add_segment(prog, segment)
        self._add_absent(prog, physical=True)

    def correct_memory(self, prog: Program) -> None:
        """Let a program that drgn opened read no zeros where the file leaves pages out."""
        for physical in (True, False):
            self._add_absent(prog, physical=physical)

    def _add_absent(self, prog: Program, *, physical: bool) -> None:
        present = [segment.present(physical=physical) for segment in self._loaded]
        for why, absent in (
            ("this page is excluded from the dump", LoadedSegment.excluded),
            ("this page was cut off the file", LoadedSegment.lost),
        ):
            for addresses in without(
                (absent(segment, physical=physical) for segment in self._loaded), present
            ):
                add_absent(prog, addresses, why, physical=physical)

    def _add_segment(self, prog: Program, segment: LoadedSegment) -> None:
        start = segment.offset

        def read(address: int, count: int, offset: int, physical: bool) -> bytes:
            try:
                return self._data.at(start + offset, count)
            except (OSError, TargetError):
                raise FaultError("the dump ends before it", address) from None

        prog.add_memory_segment(segment.physical, segment.here, read, True)


def _check_header(data: CoreBytes, elf: ELFFile) -> None:
    if elf.header["e_type"] != "ET_CORE":
        raise TargetError(f"{data.path} is an ELF file but not a core ({elf.header['e_type']})")
    if elf.header["e_machine"] != "EM_PPC64":
        raise other_architecture(data.path, _machine_name(elf.header["e_machine"]))


def _check_notes(data: CoreBytes, segments: list[Any]) -> None:
    """
    Refuse a file that ends before the end of its notes: they come before the memory.

    :raises TargetError: if it does
    """
    for segment in segments:
        end = segment["p_offset"] + segment["p_filesz"]
        if segment["p_type"] == "PT_NOTE" and end > data.size:
            raise TargetError(
                f"{data.path} is truncated: it ends at {data.size} bytes, in its notes, which tell"
                " of what kernel it is"
            )
        if segment["p_type"] == "PT_NOTE" and segment["p_filesz"] > MAX_NOTES:
            raise TargetError(f"{data.path} is a damaged ELF core: its notes are too large")


def _machine_name(machine: str | int) -> str:
    return {"EM_X86_64": "x86-64", "EM_AARCH64": "arm64", "EM_S390": "s390x"}.get(
        str(machine), str(machine).removeprefix("EM_").lower()
    )
