# SPDX-License-Identifier: GPL-2.0-or-later
"""The memory of a running guest as a person reaches it: by GDB on QEMU's gdbstub."""

import subprocess
import time
from pathlib import Path

from vmcores.errors import GuestError

GDB = "gdb-multiarch"
SECONDS = 30
TRIES = 20

# Runs inside GDB. A CPU that stopped in user mode cannot read kernel memory: another may.
_SCRIPT = """
def reach(address, size, data):
    inferior = gdb.selected_inferior()
    for thread in inferior.threads():
        thread.switch()
        try:
            before = bytes(inferior.read_memory(address, size))
        except gdb.MemoryError:
            continue
        if data:
            inferior.write_memory(address, data)
            if bytes(inferior.read_memory(address, size)) != data:
                raise gdb.GdbError("what was written does not read back")
        return before.hex()
"""


def read(gdb_socket: Path, address: int, size: int) -> bytes:
    """Return SIZE bytes at a virtual ADDRESS. The guest stops meanwhile. Raises GuestError."""
    return _reach(gdb_socket, address, size, b"")


def write(gdb_socket: Path, address: int, data: bytes) -> bytes:
    """
    Write DATA at a virtual ADDRESS, read-only text too, and return what was there.

    The guest stops meanwhile. Raises GuestError.
    """
    return _reach(gdb_socket, address, len(data), data)


def _reach(gdb_socket: Path, address: int, size: int, data: bytes) -> bytes:
    call = f"print('before:', reach({address}, {size}, {data!r}))"
    for _ in range(TRIES):
        output = _gdb(gdb_socket, _SCRIPT + call)
        _, found, before = output.partition("before: ")
        if not found:
            raise GuestError(f"GDB does not reach {address:#x}: {output.strip()}")
        if not before.startswith("None"):
            return bytes.fromhex(before.split()[0])
        time.sleep(0.1)
    raise GuestError(f"no CPU of the guest can read {address:#x}")


def _gdb(gdb_socket: Path, script: str) -> str:
    commands = (
        "set endian little",
        f"target remote {gdb_socket}",
        f"python exec({script!r})",
        "detach",
    )
    done = subprocess.run(
        [GDB, "-nx", "-batch", *(word for command in commands for word in ("-ex", command))],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    return done.stdout + done.stderr
