# SPDX-License-Identifier: GPL-2.0-or-later
"""ELF cores and their notes, made by hand."""

import struct

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
