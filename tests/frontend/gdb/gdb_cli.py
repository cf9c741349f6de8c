# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs GDB as a user does: a fresh one each time, with klp sourced."""

import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pexpect

from tests.command.klp_debug_cli import Ran

GDB = "gdb-multiarch"
PLUGIN = Path(__file__).parents[3] / "gdb" / "klp.py"
PROMPT = "(gdb) "
SECONDS = 120
SOURCE = f"source {PLUGIN}"
_OF_GDB = re.compile(
    r"(?m)^(?:\d+\t/.*: No such file or directory\.|Cannot access memory at address .*"
    r"|warning: remote target does not support file transfer.*"
    r"|warning: Unable to find dynamic linker breakpoint function\."
    r"|GDB will be unable to debug shared library initializers|and track explicitly loaded .*)\n"
)
MARK = "-- klp --"
"""Printed before the first command, to leave out what GDB says of the target."""


def gdb_run(
    *commands: str,
    program: str = GDB,
    source: bool = True,
    variables: Mapping[str, str] | None = None,
) -> Ran:
    """Run GDB commands after klp was sourced; return what they and the loading of it print."""
    given = [SOURCE, *commands] if source else list(commands)
    words = [word for command in given for word in ("-ex", command)]
    done = subprocess.run(
        [program, "-nx", "-q", "-batch", *words],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
        stdin=subprocess.DEVNULL,
        env=_environment(variables or {}),
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def klp(target: list[str], *commands: str, variables: Mapping[str, str] | None = None) -> Ran:
    """Run commands on a target; return what they print, without what GDB says of the target."""
    ran = gdb_run(*target, f"echo {MARK}\\n", *commands, variables=variables)
    _, mark, out = ran.out.partition(f"{MARK}\n")
    assert mark, ran
    # GDB takes a kernel for a program, and misses its sources.
    out = out.replace("[Inferior 1 (process 1) detached]\n", "")
    return Ran(ran.status, out, _OF_GDB.sub("", ran.err))


def core(vmlinux: Path, path: Path) -> list[str]:
    """Return the commands that make a dump GDB's target."""
    return [f"file {vmlinux}", f"core-file {path}"]


def stub(vmlinux: Path, place: Path | str) -> list[str]:
    """Return the commands that make a stub's guest GDB's target."""
    return [f"file {vmlinux}", f"target remote {place}"]


def klp_into(file: Path, line: str) -> list[str]:
    """Return what lets GDB write the output of a command to a file, and nothing else."""
    return [
        f"set logging file {file}",
        "set logging redirect on",
        "set logging enabled on",
        line,
        "set logging enabled off",
    ]


class Prompt:
    """GDB's prompt in a terminal."""

    def __init__(self, child: "pexpect.spawn[str]") -> None:
        self.child = child
        self.child.expect_exact(PROMPT)

    def __call__(self, line: str) -> str:
        """Type a line; return what came before the next prompt, without its echo."""
        self.child.sendline(line)
        return self.answer().partition("\n")[2]

    def answer(self) -> str:
        """Return what comes before the next prompt."""
        self.child.expect_exact(PROMPT)
        return str(self.child.before).replace("\r\n", "\n")


@contextmanager
def prompt(*commands: str, variables: Mapping[str, str] | None = None) -> Iterator[Prompt]:
    """Start GDB in a terminal with klp sourced."""
    given = ["set height 0", "set width 0", "set style enabled off", SOURCE, *commands]
    words = [word for command in given for word in ("-ex", command)]
    child = pexpect.spawn(
        GDB,
        ["-nx", "-q", *words],
        env=_environment({"TERM": "dumb", **(variables or {})}),
        encoding="utf-8",
        timeout=SECONDS,
        dimensions=(50, 400),
    )
    try:
        yield Prompt(child)
    finally:
        child.close(force=True)


def _environment(variables: Mapping[str, str]) -> dict[str, str]:
    """Return an environment of a user who has activated nothing."""
    kept = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    return {**kept, **variables}
