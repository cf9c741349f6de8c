# SPDX-License-Identifier: GPL-2.0-or-later
"""What is false, grouped by what is said: the same line may be false for a hundred pages."""

from collections.abc import Iterable

from tests.support.removal.false_statement import FalseStatement
from tests.support.removal.trial import Trial

_LONGEST = 200
_EXAMPLES = 4


def grouped(found: Iterable[Trial]) -> dict[str, list[tuple[Trial, FalseStatement]]]:
    """Return the false statements by shape, the most frequent shape first."""
    groups: dict[str, list[tuple[Trial, FalseStatement]]] = {}
    for trial in found:
        for false in trial.false:
            groups.setdefault(false.shape, []).append((trial, false))
    return dict(sorted(groups.items(), key=lambda item: (-len(_removals(item[1])), item[0])))


def group_lines(found: Iterable[Trial], examples: int = _EXAMPLES) -> list[str]:
    """
    Return the groups as text.

    :param examples: how many removals are told of each group
    """
    lines: list[str] = []
    for shape, statements in grouped(found).items():
        removals = _removals(statements)
        trial, false = statements[0]
        lines += [
            f"{len(removals):4} x  {shape}",
            f"        was   {_cut(false.before)}",
            f"        says  {_cut(false.after)}",
            *(f"        faults in  {reader}" for reader in trial.faulted[:1]),
            *(f"        without {name}" for name in removals[:examples]),
        ]
        if len(removals) > examples:
            lines.append(f"        and {len(removals) - examples} more")
    return lines


def _removals(statements: Iterable[tuple[Trial, FalseStatement]]) -> list[str]:
    return list(dict.fromkeys(trial.removal.name for trial, _ in statements))


def _cut(text: str) -> str:
    return (text if len(text) <= _LONGEST else f"{text[:_LONGEST]} ...") or "(nothing)"
