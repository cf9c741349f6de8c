# SPDX-License-Identifier: GPL-2.0-or-later
"""Kernel text of a guest: reads and writes instruction words, and finds sites and stubs."""

import struct

from vmcores.errors import GuestError
from vmcores.guest import debugger
from vmcores.guest.guest import Guest

MFLR_R0 = 0x7C0802A6
NOP = 0x60000000
TRAP = 0x7FE00008
ADDIS_R2_R12 = 0x3C4C
ADDI_R2_R2 = 0x3842
"""The upper halves of the instructions that set the TOC up."""
STUB_MAGIC = 0x73747562
"""``STUB_MAGIC`` of arch/powerpc/kernel/module_64.c, behind a stub's 7 instructions."""

LEAF = ("int_to_scsilun", "scsi_common")
WITH_TOC = ("scsi_set_sense_information", "scsi_common")


def read_words(guest: Guest, address: int, count: int) -> tuple[int, ...]:
    """Return COUNT words at ADDRESS. Raises GuestError."""
    return struct.unpack(f"<{count}I", debugger.read(guest.gdb_socket, address, 4 * count))


def write_words(guest: Guest, address: int, *words: int) -> None:
    """Write WORDS at ADDRESS, though it be read-only. Raises GuestError."""
    debugger.write(guest.gdb_socket, address, struct.pack(f"<{len(words)}I", *words))


def first_branch(address: int, words: tuple[int, ...]) -> tuple[int, bool, int]:
    """Return of the first b or bl its address, whether it is a bl, and where it leads."""
    for index, word in enumerate(words):
        if word >> 26 == 18 and not word & 2:
            at = address + 4 * index
            offset = (word & 0x03FFFFFC) - ((word & 0x02000000) << 1)
            return at, bool(word & 1), at + offset
    raise GuestError(f"there is no branch at {address:#x}")


def ftrace_stub(guest: Guest, leaf: int) -> int:
    """Return the module stub that the armed site of a function without TOC set-up leads to."""
    _, call, at = first_branch(leaf, read_words(guest, leaf, 2))
    if not call:
        # Out of line: the site is a plain branch to a stub of its own, which does the call.
        _, call, at = first_branch(at, read_words(guest, at, 2))
    if not call or read_words(guest, at + 28, 1) != (STUB_MAGIC,):
        raise GuestError(f"the site of the function at {leaf:#x} does not lead to a module stub")
    return at


def toc_of(guest: Guest, entry: int) -> int:
    """Return the TOC that the function with that global entry point sets up."""
    high, low = read_words(guest, entry, 2)
    if (high >> 16, low >> 16) != (ADDIS_R2_R12, ADDI_R2_R2):
        raise GuestError(f"the function at {entry:#x} does not set its TOC up")
    return entry + (_signed(high) << 16) + _signed(low)


def _signed(word: int) -> int:
    """Return the immediate of an addi or addis."""
    return (word & 0xFFFF) - ((word & 0x8000) << 1)
