# SPDX-License-Identifier: GPL-2.0-or-later
"""
Which answers are tried, on which dumps, and with how much removed, by tier.

The covering set takes some command lines of each dump, in turn, so that each is tried on several
dumps; and of what can be removed a few things of each kind.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from tests.support.removal.capture import RemovalCapture
from tests.support.removal.removals import Removal, pages, pairs, sampled, structures
from tests.support.tier import by_tier, cases

What = Literal["pages", "structures", "pairs"]

_PATCHED = {
    # A function that one patch replaces, and one with two patches on it.
    "patched": ("int_to_scsilun", "cmdline_proc_show"),
    # A crash that live patching caused, one in a replacement, and a transition under way.
    "seed_crash": ("int_to_scsilun",),
    "crash_in_replacement": ("leaf_probe_wait_here",),
    "stalled": ("leaf_probe_wait_here",),
    # A replacement that has the name of its original.
    "namesake": ("int_to_scsilun", "namesake_patch:int_to_scsilun"),
}
"""Scenarios, and patched functions of theirs, the replacements among them."""
_ANY_FUNCTION = "vfs_read"
_LINES_OF_A_DUMP = 4
"""Command lines that the covering set tries on a dump."""
_SLOW = "bt all"
"""It takes ten times as long as any other."""
_COVERING: dict[What, int] = {"pages": 5, "structures": 3, "pairs": 1}
_COVERING_SLOW: dict[What, int] = {"pages": 2, "structures": 1, "pairs": 0}
_FULL_PAIRS = 20


@dataclass(frozen=True, slots=True)
class Case:
    """A command line on a dump."""

    scenario: str
    kernel: str
    mmu: str
    line: str

    def __str__(self) -> str:
        return f"{self.scenario}-{self.kernel}-{self.mmu}-{self.line.replace(' ', '_')}"


def removal_cases() -> list[Case]:
    """Return what the tier tries, dump by dump."""
    dumps = [(name, kernel, mmu) for name in _PATCHED for kernel, mmu in cases(name)]
    return by_tier(covering=list(_covering(dumps)), full=list(_full(dumps)))


def command_lines(scenario: str) -> list[str]:
    """Return a line for each answer that reads a dump."""
    functions = _PATCHED[scenario]
    return [
        *("list", "list --all --long"),
        *(f"func {function}" for function in (*functions, _ANY_FUNCTION)),
        f"site {functions[0]}",
        *("ops", "audit", "report", "report --html page", "transition"),
        *("bt crashed", "bt all", "status"),
    ]


def removals_of(capture: RemovalCapture, case: Case, what: What) -> list[Removal]:
    """Return what the tier removes from a dump for one of its command lines."""
    _, touched = capture.whole(case.line)
    page_size = capture.target.page_size
    seed = f"{case} {what}"
    few = (_COVERING_SLOW if case.line == _SLOW else _COVERING)[what]
    find: dict[What, Callable[[], list[Removal]]] = {
        "pages": lambda: pages(touched, page_size),
        "structures": lambda: structures(capture.structures, touched, page_size),
        "pairs": lambda: pairs(touched, page_size, _FULL_PAIRS, seed),
    }
    removals = find[what]()
    return by_tier(covering=sampled(removals, few, seed), full=removals)


def _covering(dumps: Iterable[tuple[str, str, str]]) -> Iterable[Case]:
    for number, (scenario, kernel, mmu) in enumerate(dumps):
        lines = command_lines(scenario)
        for place in range(_LINES_OF_A_DUMP):
            line = lines[(number * _LINES_OF_A_DUMP + place) % len(lines)]
            yield Case(scenario, kernel, mmu, line)


def _full(dumps: Iterable[tuple[str, str, str]]) -> Iterable[Case]:
    for scenario, kernel, mmu in dumps:
        yield from (Case(scenario, kernel, mmu, line) for line in command_lines(scenario))
