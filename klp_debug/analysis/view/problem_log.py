# SPDX-License-Identifier: GPL-2.0-or-later
"""Turns what cannot be read into lines of the answer."""

from collections.abc import Iterator
from contextlib import contextmanager

from drgn import FaultError, ObjectAbsentError, ObjectNotFoundError, OutOfBoundsError

from klp_debug.kernel.walk import WalkError
from klp_debug.result.common import Problem

UNREADABLE = (FaultError, WalkError, LookupError, ObjectAbsentError, OutOfBoundsError)
"""What reading a damaged or unknown kernel raises."""


class ProblemLog:
    """Collects the problems of one answer, each once."""

    def __init__(self) -> None:
        """Begin with none."""
        self._problems: dict[Problem, None] = {}

    def add(self, where: str, what: str) -> None:
        """Note one problem."""
        self._problems[Problem(where, what)] = None

    def extend(self, problems: list[Problem]) -> None:
        """Note several."""
        self._problems.update(dict.fromkeys(problems))

    @contextmanager
    def noting(self, where: str) -> Iterator[None]:
        """Go on after the block if the target's memory stops it, with a problem noted."""
        try:
            yield
        except UNREADABLE as error:
            self.add(where, reason(error))

    def all(self) -> tuple[Problem, ...]:
        """Return the problems in the order they were met."""
        return tuple(self._problems)


def reason(error: Exception) -> str:
    """Return what an error of reading says, as text without a closing full stop."""
    if isinstance(error, ObjectNotFoundError):
        return f"this kernel has no {error.name}"
    if isinstance(error, KeyError):
        return f"this kernel has no {error.args[0]}"
    return str(error)
