# SPDX-License-Identifier: GPL-2.0-or-later
"""
What a scenario may damage in a running guest, through QEMU's gdbstub.

Where to write is found from the guest's own kallsyms and its instruction words, not by klp-debug,
which is to find the damage later. A scenario names one of DAMAGES.
"""

import struct
from collections.abc import Callable

from vmcores import debugger
from vmcores.errors import GuestError
from vmcores.guest import Guest
from vmcores.oracle import Oracle

MFLR_R0 = 0x7C0802A6
NOP = 0x60000000
STD_R2_24_R1 = 0xF8410018
TRAP = 0x7FE00008
ADDIS_R2_R12 = 0x3C4C
ADDI_R2_R2 = 0x3842
"""The upper halves of the instructions that set the TOC up."""
STUB_MAGIC = 0x73747562
"""``STUB_MAGIC`` of arch/powerpc/kernel/module_64.c, behind a stub's 7 instructions."""
STACK_END_MAGIC = 0x57AC6E9D

LEAF = ("int_to_scsilun", "scsi_common")
WITH_TOC = ("scsi_set_sense_information", "scsi_common")
IDLE = "uptime_proc_show"
"""A function of the kernel that nothing in the guest calls."""


def toc_stub(guest: Guest, oracle: Oracle) -> None:
    """
    Put an ordinary module stub, which finds its target through r2, for scsi_common's ftrace stub.

    So it was before Linux kernel commit 336a7b5dd80a ("powerpc/module: Create a special stub for
    ftrace_caller()") (in v4.6): right in a function that has set its TOC up, and wrong in one that
    has still its caller's.
    """
    _put_toc_stub(guest, oracle, STD_R2_24_R1)


def toc_stub_without_save(guest: Guest, oracle: Oracle) -> None:
    """
    Do the same with a nop for its ``std r2,24(r1)``, as the kernel had it for _mcount.

    For in front of a function's own frame, that overwrites the TOC that the caller has put there
    to have it back after the call: see ``squash_toc_save_inst()``, Linux kernel commit
    153086644fd1 ("powerpc/ftrace: Add support for -mprofile-kernel ftrace ABI") (in v4.6).
    """
    _put_toc_stub(guest, oracle, NOP)


def trap_in_idle_site(guest: Guest, oracle: Oracle) -> None:
    """Put a trap where ftrace knows a nop: in the idle mcount site of IDLE."""
    entry = oracle.address(IDLE)
    for index, word in enumerate(_words(guest, entry, 4)):
        if word == NOP:
            debugger.write(guest.gdb_socket, entry + 4 * index, struct.pack("<I", TRAP))
            return
        if word != MFLR_R0 and word >> 16 not in {ADDIS_R2_R12, ADDI_R2_R2}:
            break
    raise GuestError(f"{IDLE} does not begin with an idle mcount site")


def livepatch_marker(guest: Guest, oracle: Oracle) -> None:
    """Overwrite the marker of the newest entry on the livepatch stack of sleep_patch's sleeper."""
    told = guest.check("cat /sys/module/sleep_patch/parameters/livepatch_sp")
    before = debugger.write(guest.gdb_socket, int(told) - 8, struct.pack("<Q", 0xDEADBEEF))
    if int.from_bytes(before, "little") != STACK_END_MAGIC:
        raise GuestError(f"there was no marker at {int(told) - 8:#x}, but {before.hex()}")


DAMAGES: dict[str, Callable[[Guest, Oracle], None]] = {
    damage.__name__: damage
    for damage in (toc_stub, toc_stub_without_save, trap_in_idle_site, livepatch_marker)
}


def _put_toc_stub(guest: Guest, oracle: Oracle, save: int) -> None:
    stub = _ftrace_stub(guest, oracle.address(*LEAF))
    distance = stub - _toc(guest, oracle.address(*WITH_TOC))
    words = (
        0x3D620000 | (distance + 0x8000) >> 16 & 0xFFFF,  # addis r11,r2,...
        0x396B0000 | distance & 0xFFFF,  # addi r11,r11,...
        save,
        0xE98B0020,  # ld r12,32(r11)
        0x7D8903A6,  # mtctr r12
        0x4E800420,  # bctr
    )
    debugger.write(guest.gdb_socket, stub, struct.pack("<6I", *words))


def _words(guest: Guest, address: int, count: int) -> tuple[int, ...]:
    return struct.unpack(f"<{count}I", debugger.read(guest.gdb_socket, address, 4 * count))


def _ftrace_stub(guest: Guest, leaf: int) -> int:
    """Return the module stub that the armed site of a function without TOC set-up leads to."""
    call, at = _branch(leaf, _words(guest, leaf, 2))
    if not call:
        # Out of line: the site is a plain branch to a stub of its own, which does the call.
        call, at = _branch(at, _words(guest, at, 2))
    if not call or _words(guest, at + 28, 1) != (STUB_MAGIC,):
        raise GuestError(f"the site of the function at {leaf:#x} does not lead to a module stub")
    return at


def _branch(address: int, words: tuple[int, ...]) -> tuple[bool, int]:
    """Return of the first b or bl in WORDS whether it is a bl, and where it leads."""
    for index, word in enumerate(words):
        if word >> 26 == 18 and not word & 2:
            offset = (word & 0x03FFFFFC) - ((word & 0x02000000) << 1)
            return bool(word & 1), address + 4 * index + offset
    raise GuestError(f"there is no branch at {address:#x}")


def _toc(guest: Guest, entry: int) -> int:
    """Return the TOC that the function with that global entry point sets up."""
    high, low = _words(guest, entry, 2)
    if (high >> 16, low >> 16) != (ADDIS_R2_R12, ADDI_R2_R2):
        raise GuestError(f"the function at {entry:#x} does not set its TOC up")
    return entry + (_signed(high) << 16) + _signed(low)


def _signed(word: int) -> int:
    """Return the immediate of an addi or addis."""
    return (word & 0xFFFF) - ((word & 0x8000) << 1)
