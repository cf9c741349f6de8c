# SPDX-License-Identifier: GPL-2.0-or-later
"""Damage of a klp_func: it names no function at all."""

import struct

from vmcores.errors import GuestError
from vmcores.guest import debugger
from vmcores.guest.guest import Guest
from vmcores.oracle.oracle import Oracle

REPLACEMENT = ("patched_int_to_scsilun", "leaf_patch")
NEW_FUNC = 8
"""Where ``new_func`` is in ``struct klp_func``, in bytes: behind ``old_name``, ever since 4.0."""
NOWHERE = 0xDEAD000000000100
"""What the kernel itself puts in a pointer that nobody must follow any more (LIST_POISON1)."""


def new_func_to_nowhere(guest: Guest, oracle: Oracle) -> None:
    """Let leaf_patch's klp_func name an address where nothing is."""
    where = oracle.address("funcs", REPLACEMENT[1]) + NEW_FUNC
    before = debugger.write(guest.gdb_socket, where, struct.pack("<Q", NOWHERE))
    if int.from_bytes(before, "little") != oracle.address(*REPLACEMENT):
        raise GuestError(f"new_func at {where:#x} was {before.hex()}")
