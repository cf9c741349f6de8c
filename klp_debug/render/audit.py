# SPDX-License-Identifier: GPL-2.0-or-later
"""The answer of ``audit`` as text."""

from rich.table import Table

from klp_debug.render.kernel import kernel_lines, problem_lines
from klp_debug.render.terminal import add_row, escape, lines, table
from klp_debug.result.audit import Audit, Count, Offsets
from klp_debug.result.finding import Finding


def audit_lines(answer: Audit) -> list[str]:
    """Return the verdict, the findings, and the counts."""
    return [
        *kernel_lines(answer.kernel),
        "",
        _verdict(answer),
        *(line for finding in answer.findings for line in _finding(finding)),
        "",
        *_counts(answer),
        *problem_lines(answer.problems),
    ]


def _verdict(answer: Audit) -> str:
    number = len(answer.findings)
    found = "no finding" if number == 0 else f"{number} finding{'' if number == 1 else 's'}"
    unread = f", {answer.unread} of them unreadable" if answer.unread else ""
    return f"{found} in {answer.sites} mcount sites{unread}"


def _finding(finding: Finding) -> list[str]:
    return [
        "",
        f"{finding.severity}  {finding.id}  {escape(finding.subject)}",
        f"    evidence  {escape(finding.evidence)}",
        f"    means     {finding.meaning}",
        f"    do        {finding.action}",
    ]


def _counts(answer: Audit) -> list[str]:
    grid = table()
    _add(grid, "dialect", answer.dialects)
    _add(grid, "state", answer.states)
    for title, toc_setup in (("offset in leaf functions", False), ("offset behind a TOC", True)):
        offsets = [one for one in answer.offsets if one.toc_setup is toc_setup]
        _add(grid, title, tuple(_offset(one) for one in offsets))
    if answer.without_symbol:
        _add(grid, "in no symbol", (Count("dropped weak functions", answer.without_symbol),))
    return lines(grid)


def _offset(offsets: Offsets) -> Count:
    return Count(f"+{offsets.offset:#x}", offsets.sites)


def _add(grid: Table, title: str, counts: tuple[Count, ...]) -> None:
    for position, count in enumerate(counts):
        add_row(grid, title if position == 0 else "", count.what, str(count.sites))
