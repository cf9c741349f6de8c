# SPDX-License-Identifier: GPL-2.0-or-later
"""Damage of a live patch's ftrace_ops, in a kernel whose out-of-line stubs point to theirs."""

import struct

from vmcores.damages.text import LEAF, first_branch, read_words
from vmcores.errors import GuestError
from vmcores.guest import debugger
from vmcores.guest.guest import Guest
from vmcores.oracle.oracle import Oracle

NOWHERE = 0xDEAD000000000100
"""What the kernel itself puts in a pointer that nobody must follow any more (LIST_POISON1)."""


def ops_func_to_nowhere(guest: Guest, oracle: Oracle) -> None:
    """Let the only ftrace_ops of a patched function have a callback where nothing is."""
    entry = oracle.address(*LEAF)
    _, call, ool_stub = first_branch(entry, read_words(guest, entry, 2))
    if call:
        raise GuestError(f"the site of the function at {entry:#x} has no out-of-line stub")
    # The pointer is in front of the stub, and func is the first member of struct ftrace_ops.
    pointer = debugger.read(guest.gdb_socket, ool_stub - 8, 8)
    before = debugger.write(
        guest.gdb_socket, int.from_bytes(pointer, "little"), struct.pack("<Q", NOWHERE)
    )
    if int.from_bytes(before, "little") != oracle.address("klp_ftrace_handler"):
        raise GuestError(f"func of the ops was {before.hex()}")
