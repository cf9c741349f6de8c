# SPDX-License-Identifier: GPL-2.0-or-later
"""
The ELF notes of a core file, and the registers in them.

The kernel fills an NT_PRSTATUS note for each CPU that stops in a crash (``crash_save_cpu()``);
/proc/vmcore and makedumpfile carry them on. QEMU's ``dump-guest-memory`` writes its own
(``target/ppc/arch_dump.c``), in the byte order of the file's header, which in 7.2 is big-endian
for a little-endian guest too.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Literal

ByteOrder = Literal["<", ">"]
"""As :mod:`struct` writes it."""

PRSTATUS_NOTE_SIZE = 12 + 8 + 504
"""Bytes of an NT_PRSTATUS note: header, name ``CORE`` and ``struct elf_prstatus``."""

_NT_PRSTATUS = 1
_PRSTATUS_SIZE = 504
_PR_REG = 112
_PT_REGS = 44
"""Doublewords of ``struct user_pt_regs``; ``elf_gregset_t`` has four more, which mean nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prstatus:
    """The registers of one NT_PRSTATUS note, in the order of ``struct user_pt_regs``."""

    gpr: tuple[int, ...]
    nip: int
    msr: int
    orig_gpr3: int
    ctr: int
    link: int
    xer: int
    ccr: int
    softe: int
    trap: int
    dar: int
    dsisr: int
    result: int


_AFTER_GPR = tuple(field.name for field in fields(Prstatus) if field.name != "gpr")


def named_notes(data: bytes, order: ByteOrder) -> Iterator[tuple[bytes, bytes]]:
    """
    Yield the name and the text of each note. Sizes are checked before anything is allocated.

    :raises ValueError: if a note claims to be larger than all of them
    """
    position = 0
    while position + 12 <= len(data):
        name_size, size, _ = struct.unpack_from(f"{order}III", data, position)
        name_start = position + 12
        start = name_start + (name_size + 3 & ~3)
        if start + size > len(data):
            raise ValueError(f"the note at {position:#x} is larger than the notes")
        yield data[name_start : name_start + name_size], data[start : start + size]
        position = start + (size + 3 & ~3)


def prstatus_notes(data: bytes, order: ByteOrder) -> Iterator[Prstatus]:
    """
    Yield the registers of the NT_PRSTATUS notes, in their order.

    Ends where the notes end or are damaged; what is no such note is passed over.

    :param data: ELF notes, one behind the other
    """
    position = 0
    while position + 12 <= len(data):
        name_size, size, type_ = struct.unpack_from(f"{order}III", data, position)
        if not name_size:  # the kernel's end mark, and the zeros of a note never filled
            return
        name_start = position + 12
        start = name_start + (name_size + 3 & ~3)
        position = start + (size + 3 & ~3)
        if start + size > len(data):
            return
        name = data[name_start : name_start + name_size].rstrip(b"\0")
        if name == b"CORE" and type_ == _NT_PRSTATUS and size == _PRSTATUS_SIZE:
            values = struct.unpack_from(f"{order}{_PT_REGS}Q", data, start + _PR_REG)
            others = zip(_AFTER_GPR, values[32:], strict=True)
            yield Prstatus(gpr=values[:32], **dict(others))
