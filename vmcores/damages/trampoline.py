# SPDX-License-Identifier: GPL-2.0-or-later
"""Damage of ftrace_caller, which the sites of live-patched functions lead to."""

from vmcores.damages.text import read_words, write_words
from vmcores.errors import GuestError
from vmcores.guest.guest import Guest
from vmcores.oracle.oracle import Oracle

BNE = 0x40C2
"""The upper half of a ``bne-``."""
MR_R3_R15 = 0x7DE37B78
MTLR_R3 = 0x7C6803A6
LD_R15_R1 = 0xE9E1
"""The upper half of ``ld r15,...(r1)``."""
WORDS = 160


def r15_not_restored(guest: Guest, oracle: Oracle) -> None:
    """
    Let ftrace_caller restore r15 only where no replacement is to run, as it was in 6.13.

    The four words are put in the order that they had before Linux kernel commit cb5b691f8273
    ("powerpc64/ftrace: fix clobbered r15 during livepatching") (in v6.16; CVE-2025-38233).
    """
    start = oracle.address("ftrace_caller")
    words = read_words(guest, start, WORDS)
    for index in range(WORDS - 4):
        bne, mr, mtlr, restore = words[index : index + 4]
        if (bne >> 16, mr, mtlr, restore >> 16) == (BNE, MR_R3_R15, MTLR_R3, LD_R15_R1):
            # The branch leads over the restore that it led to.
            write_words(guest, start + 4 * index, bne + 4, mr, restore, mtlr)
            return
    raise GuestError("ftrace_caller does not restore r15 as known")
