# SPDX-License-Identifier: GPL-2.0-or-later
"""What a guest is doing, by QEMU's own word."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from klp_debug.targets.gdb.process import GDB
from klp_debug.targets.gdb.session import GdbOptions
from klp_debug.targets.opening import open_target
from klp_debug.targets.options import TargetOptions
from klp_debug.targets.target import Target
from vmcores.guest import qmp
from vmcores.guest.guest import Guest

_SECONDS = 20


def runs(guest: Guest) -> bool:
    """Return whether QEMU runs the guest's CPUs."""
    status: Any = qmp.execute(guest.machine.lab_qmp_socket, "query-status")
    return bool(status["running"])


def becomes(guest: Guest, *, running: bool) -> None:
    """Wait until the guest runs, or is stopped."""
    end = time.monotonic() + _SECONDS
    while runs(guest) is not running:
        assert time.monotonic() < end, f"running is not {running} after {_SECONDS} s"
        time.sleep(0.05)


def console_says(guest: Guest, words: str) -> None:
    """Wait until the guest's console has said that."""
    end = time.monotonic() + _SECONDS
    while words not in guest.machine.console_log.read_text(errors="replace"):
        assert time.monotonic() < end, f"the console does not say '{words}' after {_SECONDS} s"
        time.sleep(0.05)


def monitor(guest: Guest, command: str) -> str:
    """Run a command of QEMU's monitor."""
    arguments: dict[str, object] = {"command-line": command}
    lab = guest.machine.lab_qmp_socket
    return str(qmp.execute(lab, "human-monitor-command", arguments))


@contextmanager
def held_still(guest: Guest) -> Iterator[None]:
    """Let QEMU stop the CPUs meanwhile, so that memory is that of one moment."""
    qmp.execute(guest.machine.lab_qmp_socket, "stop")
    try:
        yield
    finally:
        qmp.execute(guest.machine.lab_qmp_socket, "cont")


@contextmanager
def stopped(
    guest: Guest,
    stub: Path | str | None = None,
    said: list[str] | None = None,
    **settings: Any,
) -> Iterator[Target]:
    """Hold a guest stopped by its stub, in this process; SAID is what a user is told."""
    qemu = settings.pop("qemu", None)
    gdb = GdbOptions(address=str(stub or guest.gdb_socket), program=GDB, **settings)
    options = TargetOptions(gdb=gdb, qemu=qemu, symbols=(guest.image.vmlinux,))
    with open_target(options, (said if said is not None else []).append) as target:
        yield target
