# SPDX-License-Identifier: GPL-2.0-or-later
"""Damages of scsi_common's ftrace stub, which its armed sites call."""

from vmcores.damages.text import LEAF, NOP, WITH_TOC, ftrace_stub, toc_of, write_words
from vmcores.guest.guest import Guest
from vmcores.oracle.oracle import Oracle

STD_R2_24_R1 = 0xF8410018
LI_R12_0 = 0x39800000
MTCTR_R12 = 0x7D8903A6
BCTR = 0x4E800420


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


def stub_to_nowhere(guest: Guest, oracle: Oracle) -> None:
    """Let scsi_common's ftrace stub lead to address 0."""
    stub = ftrace_stub(guest, oracle.address(*LEAF))
    write_words(guest, stub, LI_R12_0, NOP, NOP, MTCTR_R12, BCTR)


def _put_toc_stub(guest: Guest, oracle: Oracle, save: int) -> None:
    stub = ftrace_stub(guest, oracle.address(*LEAF))
    distance = stub - toc_of(guest, oracle.address(*WITH_TOC))
    write_words(
        guest,
        stub,
        0x3D620000 | (distance + 0x8000) >> 16 & 0xFFFF,  # addis r11,r2,...
        0x396B0000 | distance & 0xFFFF,  # addi r11,r11,...
        save,
        0xE98B0020,  # ld r12,32(r11)
        MTCTR_R12,
        BCTR,
    )
