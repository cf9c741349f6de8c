# SPDX-License-Identifier: GPL-2.0-or-later
"""
What could not be read: neither a fact nor nothing.

A value is ``T | Unknown``; ``None`` says that there is none. A list holds an :class:`Unknown` for
each thing in it that could not be read; then it is incomplete, and its length is at least what is
seen of it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NoReturn, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Unknown:
    """
    What an answer does not know.

    >>> str(Unknown("klp_transition_patch: page 0x3ee0000 is not in the dump"))
    'unknown (klp_transition_patch: page 0x3ee0000 is not in the dump)'
    """

    reason: str
    """Why, in one clause."""

    def __str__(self) -> str:
        return f"unknown ({self.reason})"

    def __bool__(self) -> NoReturn:
        """Stop whoever takes it for a yes or a no."""
        raise TypeError("what is unknown is neither true nor false")


@dataclass(frozen=True, slots=True)
class AtLeast:
    """
    A number of things of which not all could be seen.

    >>> str(AtLeast(3, "list klp_patches: page 0x3ee0000 is not in the dump"))
    'at least 3'
    """

    number: int
    reason: str
    """Why not all were seen, in one clause."""

    def __str__(self) -> str:
        return f"at least {self.number}"


Number = int | AtLeast


def known(items: Iterable[T | Unknown]) -> tuple[T, ...]:
    """
    Return what is known of a list.

    >>> known((1, Unknown("page 0x3ee0000 is not in the dump"), 3))
    (1, 3)
    """
    return tuple(item for item in items if not isinstance(item, Unknown))


def first_unknown(items: Iterable[object]) -> Unknown | None:
    """Return the first thing that is unknown in a list; None if the list is complete."""
    return next((item for item in items if isinstance(item, Unknown)), None)


def number_of(items: Sequence[object]) -> Number:
    """
    Return how many things are in a list, as far as they are known.

    >>> number_of((1, 2)), str(number_of((1, Unknown("page 0x3ee0000 is not in the dump"))))
    (2, 'at least 1')
    """
    missing = first_unknown(items)
    return counted(len(known(items)), missing)


def counted(number: int, missing: Unknown | None) -> Number:
    """
    Return a number of things that were counted.

    :param missing: why not all could be counted; None if they could
    """
    return number if missing is None else AtLeast(number, missing.reason)


def add(first: Number, second: Number) -> Number:
    """Return the sum of two numbers of things; at least that, if either is."""
    if isinstance(first, int) and isinstance(second, int):
        return first + second
    reason = first.reason if isinstance(first, AtLeast) else ""
    if not reason and isinstance(second, AtLeast):
        reason = second.reason
    return AtLeast(lowest(first) + lowest(second), reason)


def lowest(number: Number) -> int:
    """Return how many things there are at the least."""
    return number.number if isinstance(number, AtLeast) else number
