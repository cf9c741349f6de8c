# SPDX-License-Identifier: GPL-2.0-or-later
"""What a walk of the kernel's memory saw, and whether it saw all."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from klp_debug.result.unknown import Number, Unknown, counted

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Walked(Generic[T]):
    """
    The entries of a list or table.

    "None of them" can be said of a complete walk only::

        found = next((ops for ops in walked if fits(ops)), walked.missing)

    is the ops, ``Unknown``, or None if there is none.
    """

    items: tuple[T, ...]
    missing: Unknown | None
    """Why the walk did not see all; None if it did."""

    def __iter__(self) -> Iterator[T]:
        return iter(self.items)

    def __len__(self) -> int:
        """Return how many were seen; :attr:`number` says whether these are all."""
        return len(self.items)

    @property
    def number(self) -> Number:
        """How many there are, as far as they were seen."""
        return counted(len(self.items), self.missing)

    @property
    def listed(self) -> tuple[T | Unknown, ...]:
        """The entries as an answer lists them: with what is missing at the end."""
        return self.items if self.missing is None else (*self.items, self.missing)
