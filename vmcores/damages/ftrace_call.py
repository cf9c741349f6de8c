# SPDX-License-Identifier: GPL-2.0-or-later
"""Damage of the call in ftrace_caller, in a kernel that calls one function for all sites."""

from vmcores.damages.text import first_branch, read_words, write_words
from vmcores.errors import GuestError
from vmcores.guest.guest import Guest
from vmcores.oracle.oracle import Oracle

DATA = "empty_zero_page"
"""Something of the kernel's that is no text, nothing but zeros, and near enough for a branch."""
REACH = 1 << 25
"""Of a ``bl``, in bytes either way."""


def ftrace_call_to_data(guest: Guest, oracle: Oracle) -> None:
    """Let the trampoline call what is no text."""
    call = oracle.address("ftrace_call")
    first_branch(call, read_words(guest, call, 1))
    distance = oracle.address(DATA) - call
    if not 0 < distance < REACH:
        raise GuestError(f"{DATA} is out of the reach of ftrace_call")
    write_words(guest, call, 0x48000001 | distance & 0x03FFFFFC)
