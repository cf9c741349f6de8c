# SPDX-License-Identifier: GPL-2.0-or-later
"""What is taken away from a dump: each page that was read, pairs of them, each structure."""

import random
from collections.abc import Callable, Mapping

from drgn import Program

from tests.support.removal.removable_memory import Touched
from tests.support.removal.structures import structures_of
from tests.support.removal.trial import Removal


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
            f"page {page:#x}" + (f": {describe(page, touched[page])}" if describe else ""),
            (range(page, page + page_size),),
        )
        for page in sorted(touched)
    ]


def pairs(touched: Mapping[int, Touched], page_size: int, number: int, seed: int) -> list[Removal]:
    """Return the removals of some pairs of pages that were read; a seed chooses the same again."""
    chosen = random.Random(seed)
    found = []
    for _ in range(number if len(touched) > 1 else 0):
        one, other = sorted(chosen.sample(sorted(touched), 2))
        gone = (range(one, one + page_size), range(other, other + page_size))
        found.append(Removal(f"pages {one:#x} and {other:#x}", gone))
    return found


def structures(prog: Program, page_size: int) -> list[Removal]:
    """Return the removal of each structure that answers are about; the dump must be whole."""
    return [Removal(str(one), one.physical) for one in structures_of(prog, page_size)]
