# SPDX-License-Identifier: GPL-2.0-or-later
"""Damages of a mcount site."""

from vmcores.damages.text import (
    ADDI_R2_R2,
    ADDIS_R2_R12,
    LEAF,
    MFLR_R0,
    NOP,
    TRAP,
    first_branch,
    read_words,
    write_words,
)
from vmcores.errors import GuestError
from vmcores.guest.guest import Guest
from vmcores.oracle.oracle import Oracle

IDLE = "uptime_proc_show"
"""A function of the kernel that nothing in the guest calls."""


def trap_in_idle_site(guest: Guest, oracle: Oracle) -> None:
    """Put a trap where ftrace knows a nop: in the idle mcount site of IDLE."""
    entry = oracle.address(IDLE)
    for index, word in enumerate(read_words(guest, entry, 4)):
        if word == NOP:
            write_words(guest, entry + 4 * index, TRAP)
            return
        if word != MFLR_R0 and word >> 16 not in {ADDIS_R2_R12, ADDI_R2_R2}:
            break
    raise GuestError(f"{IDLE} does not begin with an idle mcount site")


def trap_in_armed_site(guest: Guest, oracle: Oracle) -> None:
    """Put a trap where ftrace knows a branch: in the armed mcount site of a patched function."""
    entry = oracle.address(*LEAF)
    site, _, _ = first_branch(entry, read_words(guest, entry, 2))
    write_words(guest, site, TRAP)
