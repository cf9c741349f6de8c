# SPDX-License-Identifier: GPL-2.0-or-later
"""Breaks a change at any of its steps: each access of memory, each line on the disk."""

import errno
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from klp_debug.control.durable import DurableLines
from klp_debug.target.errors import TargetError, WriteRefusedError
from klp_debug.target.writable import StubKind, WritableMemory


@dataclass
class Steps:
    """Counts steps, and does something before the one of a number, or from it on."""

    at: int | None = None
    """From 0; None never."""
    does: Callable[[str], None] = lambda step: None
    lasts: bool = False
    """Whether every step behind it is broken, too."""
    seen: list[str] = field(default_factory=list)

    def step(self, name: str) -> None:
        number = len(self.seen)
        self.seen.append(name)
        if self.at is not None and (number == self.at or (self.lasts and number > self.at)):
            self.does(name)


class FaultyMemory:
    """A target's memory whose accesses are steps."""

    def __init__(self, memory: WritableMemory, steps: Steps) -> None:
        self._memory = memory
        self._steps = steps

    @property
    def kind(self) -> StubKind:
        return self._memory.kind

    def read(self, address: int, size: int) -> bytes:
        self._steps.step("read")
        return self._memory.read(address, size)

    def write(self, address: int, data: bytes) -> None:
        self._steps.step("write")
        self._memory.write(address, data)
        self._steps.step("written")


def break_journal(monkeypatch: pytest.MonkeyPatch, steps: Steps) -> None:
    """Make each line of a journal a step."""
    append = DurableLines.append

    def counted(lines: DurableLines, line: str) -> None:
        steps.step("journal")
        append(lines, line)

    monkeypatch.setattr(DurableLines, "append", counted)


def refused(step: str) -> None:
    """The target does not take a write, or cannot be read."""
    if step in ("write", "written", "read"):
        raise WriteRefusedError("0xc000000000000000 cannot be written: E14")


def disk_full(step: str) -> None:
    """The disk is full."""
    if step == "journal":
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def gone(step: str) -> None:
    """The target, or who leads to it, has gone."""
    if step != "journal":
        raise TargetError("the stub has gone")


def interrupted(step: str) -> None:
    """The user pressed Ctrl-C."""
    raise KeyboardInterrupt


def killed(step: str) -> None:
    """The tool is killed."""
    os.kill(os.getpid(), signal.SIGKILL)
