# SPDX-License-Identifier: GPL-2.0-or-later
"""What is taken away from a dump: each page that was read, pairs of them, each structure."""

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from tests.support.removal.removable_memory import Touched
from tests.support.removal.structures import Structure


@dataclass(frozen=True, slots=True)
class Removal:
    """What is removed."""

    name: str
    """What a reader of the failure knows it by."""
    ranges: tuple[range, ...]
    """Physical addresses."""
    kind: str
    """The same for those of which one will do: pages with the same reader, structures of a type."""


def pages(
    touched: Mapping[int, Touched],
    page_size: int,
    describe: Callable[[int, Touched], str] | None = None,
) -> list[Removal]:
    """
    Return the removal of each page that was read, by address.

    :param describe: says what is on a page, to be told with its name
    """
    return [
        Removal(
            name=f"page {page:#x}" + (f": {describe(page, touched[page])}" if describe else ""),
            ranges=(range(page, page + page_size),),
            kind=next(iter(touched[page].readers)),
        )
        for page in sorted(touched)
    ]


def pairs(
    touched: Mapping[int, Touched], page_size: int, number: int, seed: int | str
) -> list[Removal]:
    """Return the removals of some pairs of pages that were read; a seed chooses the same again."""
    chosen = random.Random(seed)
    found = []
    for _ in range(number if len(touched) > 1 else 0):
        one, other = sorted(chosen.sample(sorted(touched), 2))
        gone = (range(one, one + page_size), range(other, other + page_size))
        found.append(Removal(f"pages {one:#x} and {other:#x}", gone, "pair"))
    return found


def structures(
    found: Iterable[Structure], touched: Mapping[int, Touched], page_size: int
) -> list[Removal]:
    """Return the removal of each structure that lies on pages that were read."""
    return [
        Removal(str(one), one.physical, one.kind)
        for one in found
        if any(_pages(part, page_size) & touched.keys() for part in one.physical)
    ]


def sampled(removals: Sequence[Removal], number: int, seed: int | str) -> list[Removal]:
    """
    Return some of the removals: one of each kind, then another of each, and so on.

    Most pages of an answer hold tables of symbols, or text; those that it hangs on are few.

    :param seed: chooses the same again
    """
    chosen = random.Random(seed)
    kinds: dict[str, list[Removal]] = {}
    for removal in chosen.sample(removals, len(removals)):
        kinds.setdefault(removal.kind, []).append(removal)
    ranked = [
        (rank, place, removal)
        for place, one_kind in enumerate(kinds.values())
        for rank, removal in enumerate(one_kind)
    ]
    ranked.sort(key=lambda item: item[:2])
    return [removal for _, _, removal in ranked[:number]]


def _pages(part: range, page_size: int) -> set[int]:
    return set(range(part.start & -page_size, part.stop, page_size))
