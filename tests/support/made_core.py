# SPDX-License-Identifier: GPL-2.0-or-later
"""Dumps that a test makes by hand: ELF cores and kdump files."""

import struct
import zlib
from collections.abc import Mapping

from klp_debug.targets.notes import ByteOrder

ET_CORE, ET_EXEC = 4, 2
EM_PPC64, EM_X86_64 = 21, 62
PT_LOAD, PT_NOTE = 1, 4


def elf(
    *,
    machine: int = EM_PPC64,
    type_: int = ET_CORE,
    little: bool = True,
    notes: bytes = b"",
    memory: bytes = b"\0" * 64,
) -> bytes:
    """Return an ELF64 file with one PT_NOTE and one PT_LOAD."""
    order = "<" if little else ">"
    ident = b"\x7fELF" + bytes([2, 1 if little else 2, 1]) + bytes(9)
    start = 64 + 2 * 56
    header = struct.pack(
        f"{order}HHIQQQIHHHHHH", type_, machine, 1, 0, 64, 0, 0, 64, 56, 2, 0, 0, 0
    )
    segments = struct.pack(f"{order}IIQQQQQQ", PT_NOTE, 0, start, 0, 0, len(notes), 0, 4)
    segments += struct.pack(
        f"{order}IIQQQQQQ", PT_LOAD, 7, start + len(notes), 0, 0, len(memory), len(memory), 0
    )
    return ident + header + segments + notes + memory


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
) -> bytes:
    """
    Return a kdump file as makedumpfile writes it.

    :param pages: frame -> its bytes; those of an odd frame are compressed
    :param frames: of the machine, a multiple of those that a block of the bitmap has
    """
    bitmap = bytearray(frames // 8)
    assert len(bitmap) % page_size == 0
    for frame in pages:
        bitmap[frame // 8] |= 1 << frame % 8
    header = b"KDUMP   " + struct.pack(f"{order}i", 6) + bytes(4 * 65) + machine
    header = header.ljust(428, b"\0") + struct.pack(
        f"{order}iiiI", page_size, 1, 2 * len(bitmap) // page_size, frames
    )
    table = 2 * page_size + 2 * len(bitmap)
    place = table + 24 * len(pages)
    sub_header = bytes(32) + struct.pack(
        f"{order}4Q",
        *(place, len(vmcoreinfo)) if vmcoreinfo else (0, 0),
        *(place + len(vmcoreinfo), len(notes)),
    )
    rest = vmcoreinfo + notes
    descriptors = b""
    for frame, page in sorted(pages.items()):
        data = zlib.compress(page) if frame % 2 else page
        descriptors += struct.pack(f"{order}QIIQ", place + len(rest), len(data), frame % 2, 0)
        rest += data
    blocks = [block.ljust(page_size, b"\0") for block in (header, sub_header)]
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
