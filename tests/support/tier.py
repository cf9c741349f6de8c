# SPDX-License-Identifier: GPL-2.0-or-later
"""
Which tier of tests runs: the covering set, or with ``--full`` the full product.

Test modules ask while they are collected: the option is set before the first is imported.
"""

from collections.abc import Sequence
from typing import TypeVar

from vmcores.scenarios.covering import covering_cases
from vmcores.scenarios.scenario import load_scenario

T = TypeVar("T")


class _Tier:
    full = False


def run_the_full_product() -> None:
    """Let all that asks from now on have the full product."""
    _Tier.full = True


def by_tier(*, covering: Sequence[T], full: Sequence[T]) -> list[T]:
    """Return what the tier that runs takes of some dimension."""
    return list(full if _Tier.full else covering)


def cases(scenario: str) -> list[tuple[str, str]]:
    """Return the (kernel, MMU) that a scenario is played with in the tier that runs."""
    loaded = load_scenario(scenario)
    return by_tier(covering=covering_cases(loaded), full=loaded.cases())
