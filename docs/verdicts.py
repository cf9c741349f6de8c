# SPDX-License-Identifier: GPL-2.0-or-later
"""
Makes verdicts.md: which verdict ``report`` gives on each crash of the guest lab.

The tests hold the page to what they were told: tests/guests/crash/test_report.py. To make it anew,
run ``python -m docs.verdicts``, which takes the captures that are missing.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

PAGE = Path(__file__).with_name("verdicts.md")

_HEAD = """\
<!-- Made by `python -m docs.verdicts` from the captures of the guest lab. -->

# Verdicts

What `klp-debug report` says of each scenario of the guest lab. A number counts the kernels and MMUs
of the covering set; in bold is the verdict that is right. A number outside the bold ones would be a
confusion. `make test-all` holds `report` to the same verdicts on all kernels and MMUs.
"""


class Told(NamedTuple):
    """A verdict."""

    blame: str
    id: str | None

    def __str__(self) -> str:
        return self.blame if self.id is None else f"{self.blame}: {self.id}"


def verdicts_page(
    right: Mapping[str, Told], described: Mapping[str, str], told: Iterable[tuple[str, Told]]
) -> str:
    """
    Return the page, as Markdown.

    :param right: scenario -> the verdict that is right
    :param described: scenario -> what happens in it
    :param told: scenario and verdict for each capture
    """
    counts = Counter(told)
    columns = sorted({*right.values(), *(verdict for _, verdict in counts)}, key=str)
    lines = [_HEAD, "| verdict | stands for |", "|---|---|"]
    lines += [f"| {_letter(number)} | {verdict} |" for number, verdict in enumerate(columns)]
    letters = " | ".join(map(_letter, range(len(columns))))
    lines += ["", f"| scenario | what happens | {letters} |"]
    lines.append("|---" * (2 + len(columns)) + "|")
    for scenario in sorted(right):
        cells = []
        for verdict in columns:
            number = counts[scenario, verdict]
            cell = str(number) if number else ""
            cells.append(f"**{number}**" if verdict == right[scenario] else cell)
        lines.append(f"| {scenario} | {described[scenario]} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _letter(number: int) -> str:
    return chr(ord("A") + number)


if __name__ == "__main__":
    from tests.support.verdicts import page_of_all, told_of

    PAGE.write_text(page_of_all(told_of), encoding="ascii")
