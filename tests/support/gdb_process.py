# SPDX-License-Identifier: GPL-2.0-or-later
"""Real GDB processes, with ``klp`` sourced as a user does."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pexpect

from klp_debug.targets.gdb.session import GdbSession
from tests.support.cli import Ran
from tests.support.programs import SECONDS, program_run
from vmcores.host.cache import cache_root

ROOT = Path(__file__).parents[2]
LOADER = ROOT / "gdb" / "klp.py"
NO_TARGET = "GDB has no target: `target remote` for QEMU's stub or KGDB, `core-file` for a vmcore"
"""What GDB says while it looks at nothing."""
_END_SECONDS = 10
_PROMPT = "(gdb) "


_programs = ["gdb-multiarch"]
"""The last is run."""


@contextmanager
def run_by(program: Path) -> Iterator[None]:
    """In the block, run another GDB than the host's."""
    _programs.append(str(program))
    try:
        yield
    finally:
        _programs.pop()


def gdb_run(*commands: str, loader: Path | None = LOADER, **variables: str) -> Ran:
    """Run GDB's commands in a fresh GDB, without a terminal, as ``gdb -batch`` does."""
    sourced = [f"source {loader}"] if loader else []
    words = [word for command in (*sourced, *commands) for word in ("-ex", command)]
    return program_run(_programs[-1], "-nx", "-q", "-batch", *_index(), *words, **variables)


def _index() -> list[str]:
    """
    Return the options that let GDB keep the index that it makes of a vmlinux.

    Most of its start goes into that.
    """
    settings = (f"directory {cache_root() / 'gdb_index'}", "enabled on")
    return [word for setting in settings for word in ("-iex", f"set index-cache {setting}")]


def klp_debug_gdb(*words: str, python: str = sys.executable) -> "subprocess.CompletedProcess[str]":
    """Run `klp-debug gdb`, whose standard input is no terminal."""
    return subprocess.run(
        [python, "-m", "klp_debug", "gdb", *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def klp_into(file: Path, line: str) -> list[str]:
    """Return what lets GDB write the output of a command to a file, and nothing else."""
    return [
        f"set logging file {file}",
        "set logging redirect on",
        "set logging enabled on",
        line,
        "set logging enabled off",
    ]


def this_python() -> str:
    return f"{sys.version_info[0]}.{sys.version_info[1]}"


class GdbPrompt:
    """A GDB that a person sits at, in a terminal."""

    def __init__(self, child: "pexpect.spawn[str]") -> None:
        self.child = child
        self.answer()

    def answer(self) -> str:
        """Return all that came before the next prompt."""
        self.child.expect_exact(_PROMPT)
        return str(self.child.before).replace("\r\n", "\n")

    def __call__(self, line: str) -> str:
        """Type a line; return what it printed."""
        self.child.sendline(line)
        return self.answer().partition("\n")[2]


@contextmanager
def gdb_prompt(*commands: str, terminal: str = "dumb") -> Iterator[GdbPrompt]:
    """Start GDB in a terminal, and give it commands."""
    child = pexpect.spawn(
        _programs[-1],
        ["-nx", "-q", *_index(), "-iex", "set width 0", "-iex", "set style enabled off"],
        env=os.environ | {"TERM": terminal, "INPUTRC": os.devnull},
        encoding="utf-8",
        timeout=SECONDS,
        dimensions=(24, 400),
    )
    try:
        prompt = GdbPrompt(child)
        for command in ("set height 0", f"source {LOADER}", *commands):
            prompt(command)
        yield prompt
    finally:
        _end(child)


def _end(child: "pexpect.spawn[str]") -> None:
    """End GDB in order, so that it lets its target run; on a busy machine that takes a while."""
    # Not SIGHUP: who runs the tests may ignore that, and GDB then does so too.
    child.kill(signal.SIGTERM)
    end = time.monotonic() + _END_SECONDS
    while child.isalive() and time.monotonic() < end:
        time.sleep(0.05)
    child.close(force=True)


def gdb_pid(session: GdbSession) -> int:
    """Return the process id of the GDB that holds a target stopped."""
    return session._now()[0].pid
