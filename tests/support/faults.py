# SPDX-License-Identifier: GPL-2.0-or-later
"""Breaks a change at any of its steps: each access of memory, each line on the disk."""

import errno
import json
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from klp_debug.control.fsync import DurableLines
from klp_debug.errors import TargetError, WriteRefusedError
from klp_debug.targets.target import Target
from klp_debug.targets.writable import StubVendor, WritableMemory
from tests.support.live_guests import run
from tests.support.tier import by_tier

STEPS = 10 + 1 + 10 * (1 + 1 + 2 + 1 + 1) + 1
"""
Of a disarm of ten functions: a comparison of each; ``begin``; for each an intent, a comparison, a
write (before and after it), what is read back, and that it is done; ``end``.
"""
TRIED = by_tier(covering=[0, 10, 11, 12, 13, 68, 69, 70, 71], full=range(STEPS))
"""
Steps to break, from 0.

In the covering set one of each kind: of a function, the first half with the first of the ten and
the second half with the last.
"""


@dataclass
class Steps:
    """Counts steps, and does something before the one of a number, or from it on."""

    at: int | tuple[str, int] | None = None
    """Which of all, or of those of a name, from 0; None never."""
    does: Callable[[str], None] = lambda step: None
    lasts: bool = False
    """Whether every step behind it is broken, too."""
    seen: list[str] = field(default_factory=list)
    """Accesses of memory by what they are, and lines as ``journal`` and what they tell."""
    _broken: bool = False

    def step(self, name: str) -> None:
        here = self.at in (len(self.seen), (name, self.seen.count(name)))
        self.seen.append(name)
        if here or (self.lasts and self._broken):
            self._broken = True
            self.does(name)


class FaultyMemory:
    """A target's memory whose accesses are steps."""

    def __init__(self, memory: WritableMemory, steps: Steps) -> None:
        self._memory = memory
        self._steps = steps

    @property
    def kind(self) -> StubVendor:
        return self._memory.kind

    def read(self, address: int, size: int) -> bytes:
        self._steps.step("read")
        return self._memory.read(address, size)

    def write(self, address: int, data: bytes) -> None:
        self._steps.step("write")
        self._memory.write(address, data)
        self._steps.step("written")


def broken(target: Target, steps: Steps, *words: str) -> str:
    """
    Make a change with a fault; return the outcome, or ``raised``.

    Whether it is safe is another test's matter: here every step is to be reached.
    """
    assert target.writable is not None
    faulty = replace(target, writable=FaultyMemory(target.writable, steps))
    append = DurableLines.append

    def counted(lines: DurableLines, line: str) -> None:
        steps.step(f"journal {json.loads(line)['type']}")
        append(lines, line)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(DurableLines, "append", counted)
        try:
            return str(run(faulty, *words, "--yes", "--force").outcome)
        except KeyboardInterrupt:
            return "raised"


def refused(step: str) -> None:
    """The target does not take a write, or cannot be read."""
    if step in ("write", "written", "read"):
        raise WriteRefusedError("0xc000000000000000 cannot be written: E14")


def disk_full(step: str) -> None:
    """The disk is full."""
    if step.startswith("journal"):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def gone(step: str) -> None:
    """The target, or who leads to it, has gone."""
    if not step.startswith("journal"):
        raise TargetError("the stub has gone")


def interrupted(step: str) -> None:
    """The user pressed Ctrl-C."""
    raise KeyboardInterrupt


def killed(step: str) -> None:
    """The tool is killed."""
    os.kill(os.getpid(), signal.SIGKILL)
