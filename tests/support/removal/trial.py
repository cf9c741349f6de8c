# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs a command with each of some parts of the dump removed, and judges what comes of it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tests.support.removal.capture import RemovalCapture
from tests.support.removal.false_statement import FalseStatement
from tests.support.removal.judge import false_statements
from tests.support.removal.outcome import Outcome
from tests.support.removal.removals import Removal


@dataclass(frozen=True, slots=True)
class Trial:
    """A command on a dump that lacks something."""

    removal: Removal
    false: tuple[FalseStatement, ...]
    faulted: tuple[str, ...]
    """Who read what was removed, the first few; nobody if that is empty."""


def trials(
    capture: RemovalCapture, line: str, before: Outcome, removals: Iterable[Removal]
) -> Iterator[Trial]:
    """
    Remove one thing after the other.

    :param before: what comes of the command line on the whole dump
    """
    for removal in removals:
        after = capture.run(line, removal.ranges)
        false = tuple(false_statements(before, after))
        yield Trial(removal, false, tuple(capture.memory.faulted))
