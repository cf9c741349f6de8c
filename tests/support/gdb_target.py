# SPDX-License-Identifier: GPL-2.0-or-later
"""What makes something GDB's target, and what klp alone says of it then."""

import re
from pathlib import Path

from tests.support.cli import Ran
from tests.support.gdb_process import gdb_run

_OF_GDB = re.compile(
    r"(?m)^(?:(?:warning: )?\d+\t/.*: No such file or directory\.?"
    r"|Cannot access memory at address .*"
    r"|warning: found thread with pid 0, assigned replacement Target Id: .*"
    r"|warning: remote target does not support file transfer.*"
    r"|warning: Unable to find dynamic linker breakpoint function\."
    r"|GDB will be unable to debug shared library initializers|and track explicitly loaded .*)\n"
)
_MARK = "-- klp --"
"""Printed before the first command, to leave out what GDB says of the target."""


def core(vmlinux: Path, path: Path) -> list[str]:
    """Return the commands that make a dump GDB's target."""
    return [f"file {vmlinux}", f"core-file {path}"]


def stub(vmlinux: Path, place: Path | str) -> list[str]:
    """Return the commands that make a stub's guest GDB's target."""
    return [f"file {vmlinux}", f"target remote {place}"]


def klp(target: list[str], *commands: str) -> Ran:
    """Run commands on a target in a fresh GDB; return what they print."""
    ran = gdb_run(*target, f"echo {_MARK}\\n", *commands)
    _, mark, out = ran.out.partition(f"{_MARK}\n")
    assert mark, ran
    # GDB takes a kernel for a program, and misses its sources.
    out = out.replace("[Inferior 1 (process 1) detached]\n", "")
    return Ran(ran.status, out, _OF_GDB.sub("", ran.err))
