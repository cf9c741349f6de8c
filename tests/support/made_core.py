# SPDX-License-Identifier: GPL-2.0-or-later
"""Dumps that a test makes by hand: ELF cores and kdump files."""

import struct
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from klp_debug.targets.notes import ByteOrder

ET_CORE, ET_EXEC = 4, 2
EM_PPC64, EM_X86_64 = 21, 62
PT_LOAD, PT_NOTE = 1, 4
PN_XNUM = 0xFFFF


@dataclass(frozen=True)
class Load:
    """A PT_LOAD segment: its addresses, its bytes, and the size of the memory if that is more."""

    memory: bytes
    physical: int = 0
    virtual: int = 0
    size: int = 0


def elf(
    *,
    machine: int = EM_PPC64,
    type_: int = ET_CORE,
    little: bool = True,
    notes: bytes = b"",
    memory: bytes = b"\0" * 64,
    loads: Sequence[Load] = (),
    flags: int = 0,
) -> bytes:
    """
    Return an ELF64 file with one PT_NOTE, and one PT_LOAD or those that are given.

    Of more than 65,534 segments a section tells how many there are.

    :param memory: of the one, at physical address 0
    :param flags: e_flags
    """
    loads = loads or (Load(memory),)
    order = "<" if little else ">"
    ident = b"\x7fELF" + bytes([2, 1 if little else 2, 1]) + bytes(9)
    count = 1 + len(loads)
    many = count >= PN_XNUM
    sections = 64 + count * 56
    start = sections + 64 * many
    header = struct.pack(
        f"{order}HHIQQQIHHHHHH",
        *(type_, machine, 1, 0, 64, sections if many else 0, flags, 64, 56),
        *((PN_XNUM, 64, 1, 0) if many else (count, 0, 0, 0)),
    )
    section = struct.pack(f"{order}IIQQQQIIQQ", *[0] * 7, count, 0, 0) if many else b""
    segment = struct.Struct(f"{order}IIQQQQQQ")
    segments = [segment.pack(PT_NOTE, 0, start, 0, 0, len(notes), 0, 4)]
    place = start + len(notes)
    for load in loads:
        kept = len(load.memory)
        size = max(kept, load.size)
        segments.append(segment.pack(PT_LOAD, 7, place, load.virtual, load.physical, kept, size, 0))
        place += kept
    memory = b"".join(load.memory for load in loads)
    return b"".join([ident, header, *segments, section, notes, memory])


def note(name: bytes, text: bytes, *, little: bool = True) -> bytes:
    """Return an ELF note."""
    padded = name + b"\0" * (4 - len(name) % 4)
    header = struct.pack(f"{'<' if little else '>'}III", len(name) + 1, len(text), 0)
    return header + padded + text + b"\0" * (-len(text) % 4)


def prstatus_note(values: list[int], order: ByteOrder = "<", name: bytes = b"CORE") -> bytes:
    """Return an NT_PRSTATUS note; the registers are where binutils looks for them in it."""
    registers = struct.pack(f"{order}48Q", *values, *[0] * (48 - len(values)))
    header = struct.pack(f"{order}III", len(name) + 1, 504, 1)
    padded = name + b"\0" * (4 - len(name) % 4)
    return header + padded + bytes(112) + registers + bytes(8)


VMCOREINFO = note(b"VMCOREINFO", b"OSRELEASE=6.1\n")


def disk_dump_header(machine: bytes, version: int = 6) -> bytes:
    """Return the first block of a kdump file that claims to be of a machine."""
    header = b"KDUMP   " + struct.pack("<i", version) + bytes(4 * 65) + machine
    return header.ljust(4096, b"\0")


def kdump(
    pages: Mapping[int, bytes],
    *,
    page_size: int = 4096,
    frames: int = 4096 * 8,
    machine: bytes = b"ppc64le",
    order: str = "<",
    vmcoreinfo: bytes = b"",
    notes: bytes = b"",
    status: int = 0,
    part: range | None = None,
    pack: Callable[[bytes], bytes] = zlib.compress,
    flags: int = 1,
) -> bytes:
    """
    Return a kdump file as makedumpfile writes it.

    :param pages: frame -> its bytes; those of an odd frame are compressed
    :param frames: of the machine, a multiple of those that a block of the bitmap has
    :param status: of the header: flags
    :param part: the page frames that this file of a split dump is of
    :param pack: compresses a page
    :param flags: of the page descriptors of compressed pages
    """
    bitmap = bytearray(frames // 8)
    assert len(bitmap) % page_size == 0
    for frame in pages:
        bitmap[frame // 8] |= 1 << frame % 8
    names = (b"Linux", b"made", b"6.1.0", b"#1 SMP", machine)  # libkdumpfile wants all of them
    uts = b"".join(name.ljust(65, b"\0") for name in names)
    # What is beside the pages lies behind the sub header's fields, before the bitmaps.
    beside = page_size + 104
    held = range(0) if part is None else part
    sub_header = struct.pack(
        f"{order}QiiQQQQQQQQQQQ",
        *(0, 1, part is not None, held.start, held.stop),
        *(beside, len(vmcoreinfo)) if vmcoreinfo else (0, 0),
        *(beside + len(vmcoreinfo), len(notes), 0, 0),
        *(held.start, held.stop, frames),
    )
    sub_header += vmcoreinfo + notes
    sub_blocks = -(-len(sub_header) // page_size)
    header = b"KDUMP   " + struct.pack(f"{order}i", 6) + uts
    header = header.ljust(424, b"\0") + struct.pack(
        f"{order}iiiiI", status, page_size, sub_blocks, 2 * len(bitmap) // page_size, frames
    )
    place = (1 + sub_blocks) * page_size + 2 * len(bitmap) + 24 * len(pages)
    rest = b""
    descriptors = b""
    for frame, page in sorted(pages.items()):
        if part is not None and frame not in part:
            continue
        data, packed = (pack(page), flags) if frame % 2 else (page, 0)
        descriptors += struct.pack(f"{order}QIIQ", place + len(rest), len(data), packed, 0)
        rest += data
    # makedumpfile leaves room for those of the other parts.
    descriptors = descriptors.ljust(24 * len(pages), b"\0")
    blocks = [header.ljust(page_size, b"\0"), sub_header.ljust(sub_blocks * page_size, b"\0")]
    return b"".join([*blocks, bytes(bitmap), bytes(bitmap), descriptors, rest])


def flattened(dump: bytes, piece: int = 1000) -> bytes:
    """Return what ``makedumpfile -F`` makes of a dump: its records are in any order."""
    records = [
        struct.pack(">qq", start, len(dump[start : start + piece])) + dump[start : start + piece]
        for start in range(0, len(dump), piece)
    ]
    # The first is the header's, as makedumpfile's is.
    whole = [records[0], *reversed(records[1:]), struct.pack(">qq", -1, -1)]
    return b"makedumpfile".ljust(4096, b"\0") + b"".join(whole)
