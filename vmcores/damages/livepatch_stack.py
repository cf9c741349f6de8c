# SPDX-License-Identifier: GPL-2.0-or-later
"""Damage of a task's livepatch stack."""

import struct

from vmcores.errors import GuestError
from vmcores.guest import debugger
from vmcores.guest.guest import Guest
from vmcores.oracle.oracle import Oracle

STACK_END_MAGIC = 0x57AC6E9D


def livepatch_marker(guest: Guest, _oracle: Oracle) -> None:
    """Overwrite the marker of the newest entry on the livepatch stack of sleep_patch's sleeper."""
    told = guest.check("cat /sys/module/sleep_patch/parameters/livepatch_sp")
    before = debugger.write(guest.gdb_socket, int(told) - 8, struct.pack("<Q", 0xDEADBEEF))
    if int.from_bytes(before, "little") != STACK_END_MAGIC:
        raise GuestError(f"there was no marker at {int(told) - 8:#x}, but {before.hex()}")
