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
        *finding_lines(answer.findings),
        "",
        *_counts(answer),
        *_listing(answer),
        *problem_lines(answer.problems),
    ]


def _verdict(answer: Audit) -> str:
    number = len(answer.findings)
    found = "no finding" if number == 0 else f"{number} finding{'' if number == 1 else 's'}"
    unread = f", {answer.unread} of them unreadable" if answer.unread else ""
    return f"{found} in {answer.sites} mcount sites{unread}"


def finding_lines(findings: tuple[Finding, ...]) -> list[str]:
    """Return each finding with its evidence, what it means and what to do."""
    return [line for finding in findings for line in _finding(finding)]


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
    _add(grid, "stubs of modules", tuple(Count(one.what, one.stubs) for one in answer.stubs))
    if answer.without_symbol:
        _add(grid, "in no symbol", (Count("dropped weak functions", answer.without_symbol),))
    return lines(grid)


def _offset(offsets: Offsets) -> Count:
    return Count(f"+{offsets.offset:#x}", offsets.sites)


def _add(grid: Table, title: str, counts: tuple[Count, ...]) -> None:
    for position, count in enumerate(counts):
        add_row(grid, title if position == 0 else "", count.what, str(count.sites))


def _listing(answer: Audit) -> list[str]:
    if answer.listing is None:
        return []
    grid = table("SITE", "STATE", "USERS", "FLAGS", "FUNCTION")
    for site in answer.listing:
        name = site.function or "-"
        offset = f"+{site.offset:#x}" if site.offset is not None else ""
        module = f" [{site.module}]" if site.module else ""
        cells = (site.address.bare, site.state, str(site.users), " ".join(site.flags) or "-")
        add_row(grid, *cells, f"{name}{offset}{module}")
    return ["", *lines(grid)]
