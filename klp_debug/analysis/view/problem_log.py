# SPDX-License-Identifier: GPL-2.0-or-later
"""Turns what cannot be read into what an answer does not know, and into lines of the answer."""

import re
from collections.abc import Callable, Iterable
from typing import ParamSpec, TypeVar

from drgn import FaultError, ObjectAbsentError, ObjectNotFoundError, OutOfBoundsError

from klp_debug.analysis.view.walked import Walked
from klp_debug.kernel.walk import WalkError
from klp_debug.result.common import Problem
from klp_debug.result.unknown import Unknown

UNREADABLE = (FaultError, WalkError, LookupError, ObjectAbsentError, OutOfBoundsError)
"""What reading a damaged or unknown kernel raises."""
_LACKS_MEMBER = re.compile(r"'(struct|union) .*' has no member '")
"""How drgn says, in an AttributeError, that a kernel has a structure of another form."""

P = ParamSpec("P")
T = TypeVar("T")


class ProblemLog:
    """Collects the problems of one answer, each once."""

    def __init__(self) -> None:
        """Begin with none."""
        self._problems: dict[Problem, None] = {}

    def add(self, where: str, what: str) -> Unknown:
        """Note one problem; return what it makes unknown."""
        self._problems[Problem(where, what)] = None
        return Unknown(f"{where}: {what}")

    def extend(self, problems: Iterable[Problem]) -> None:
        """Note several."""
        self._problems.update(dict.fromkeys(problems))

    def attempt(
        self, where: str, read: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> T | Unknown:
        """
        Return what a function reads; where the target's memory stops it, that is a problem.

        :param where: the structure or address, in the kernel's words
        :param read: raises one of :data:`UNREADABLE` if it cannot read
        """
        try:
            return read(*args, **kwargs)
        except (*UNREADABLE, AttributeError) as error:
            return self._told(where, error)

    def walk(self, where: str, entries: Iterable[T]) -> Walked[T]:
        """
        Return the entries of a list, up to where the target's memory stops the walk.

        :param where: the list, in the kernel's words
        :param entries: an iterator that raises one of :data:`UNREADABLE` where it cannot go on
        """
        seen: list[T] = []
        try:
            # One by one: those before a place that cannot be read are kept.
            seen.extend(entries)
        except (*UNREADABLE, AttributeError) as error:
            return Walked(tuple(seen), self._told(where, error))
        return Walked(tuple(seen), None)

    def _told(self, where: str, error: Exception) -> Unknown:
        """Note what stopped a read; raise it again if it is an error of ours."""
        if not isinstance(error, AttributeError):
            return self.add(where, reason(error))
        if not _LACKS_MEMBER.match(str(error)):
            raise error
        return self.add(where, f"this kernel's {error}")

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
