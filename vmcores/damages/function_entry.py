# SPDX-License-Identifier: GPL-2.0-or-later
"""Damage of a klp_func: where its replacement is entered."""

import struct

from vmcores.damages.text import toc_of
from vmcores.errors import GuestError
from vmcores.guest import debugger
from vmcores.guest.guest import Guest
from vmcores.oracle.oracle import Oracle

REPLACEMENT = ("patched_scsi_set_sense_information", "toc_patch")
NEW_FUNC = 8
"""Where ``new_func`` is in ``struct klp_func``, in bytes: behind ``old_name``, ever since 4.0."""
TOC_SETUP = 8
"""Bytes from the global to the local entry point."""


def new_func_behind_toc_setup(guest: Guest, oracle: Oracle) -> None:
    """
    Let toc_patch's klp_func name its replacement's local entry point instead of the global one.

    So it is called with the TOC of the function that it replaces.
    """
    entry = oracle.address(*REPLACEMENT)
    toc_of(guest, entry)
    where = oracle.address("funcs", REPLACEMENT[1]) + NEW_FUNC
    before = debugger.write(guest.gdb_socket, where, struct.pack("<Q", entry + TOC_SETUP))
    if int.from_bytes(before, "little") != entry:
        raise GuestError(f"new_func at {where:#x} was not {entry:#x}, but {before.hex()}")
