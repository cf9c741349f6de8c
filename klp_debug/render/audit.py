# SPDX-License-Identifier: GPL-2.0-or-later
"""The answer of ``audit`` as text."""

import textwrap

from klp_debug.render.kernel import kernel_lines, problem_lines
from klp_debug.render.terminal import add_row, lines, table
from klp_debug.result.audit import Audit, Count
from klp_debug.result.common import Finding
from klp_debug.result.text import plural, with_module

_READABLE = 100
"""Columns of prose; evidence is not folded, so that it can be searched for."""


def audit_lines(answer: Audit) -> list[str]:
    """Return the verdict, the findings, and the counts."""
    return [
        *kernel_lines(answer.kernel),
        "",
        _verdict(answer),
        *finding_lines(answer.findings),
        *_counts(answer),
        *_listing(answer),
        *problem_lines(answer.problems),
    ]


def _verdict(answer: Audit) -> str:
    number = len(answer.findings)
    findings = plural(number, "finding") if number else "no finding"
    unread = f", {answer.unread} of them unreadable" if answer.unread else ""
    return f"{findings} in {answer.sites} mcount sites{unread}"


def finding_lines(findings: tuple[Finding, ...]) -> list[str]:
    """
    Return the findings by id: whom each is about, with its evidence, then what it means.

    One fault is often found at many sites; what it means and what to do is said once.
    """
    by_id: dict[str, list[Finding]] = {}
    for finding in findings:
        by_id.setdefault(finding.id, []).append(finding)
    return [line for same in by_id.values() for line in _same_findings(same)]


def _same_findings(findings: list[Finding]) -> list[str]:
    first = findings[0]
    times = f", {len(findings)} times" if len(findings) > 1 else ""
    grid = table()
    for finding in findings:
        add_row(grid, "  ", finding.subject, finding.evidence)
    return [
        "",
        f"{first.severity}: {first.id}{times}",
        *lines(grid),
        *_paragraph("means", first.meaning),
        *_paragraph("do", first.action),
    ]


def _paragraph(title: str, text: str) -> list[str]:
    """Return prose folded, so that a terminal does not fold it in the middle of a word."""
    indent = " " * 4
    return textwrap.wrap(
        text,
        _READABLE,
        initial_indent=f"{indent}{title:7}",
        subsequent_indent=f"{indent}{'':7}",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _counts(answer: Audit) -> list[str]:
    offsets = [
        Count(site_place(place.toc_setup, place.offset), place.sites) for place in answer.offsets
    ]
    if answer.without_symbol:
        offsets.append(Count(site_place(False, None), answer.without_symbol))
    groups = (
        ("dialect", answer.dialects),
        ("state", answer.states),
        ("offset", tuple(offsets)),
        ("module stubs", tuple(Count(stub.what, stub.stubs) for stub in answer.stubs)),
    )
    width = max((len(str(count.sites)) for _, counts in groups for count in counts), default=0)
    grid = table()
    for title, counts in groups:
        for position, count in enumerate(counts):
            number = str(count.sites).rjust(width)
            add_row(grid, title if position == 0 else "", number, count.what)
    return ["", *lines(grid)] if grid.row_count else []


def site_place(toc_setup: bool, offset: int | None) -> str:
    """
    Say where in its function a site is.

    :param offset: in bytes; None where no symbol covers it, so that no entry point is known
    """
    if offset is None:
        return "unknown: in no symbol (weak functions that the linker dropped)"
    # Not "leaf": in a kernel without TOC (CONFIG_PPC_KERNEL_PCREL) no function sets one up.
    setup = "behind the TOC set-up" if toc_setup else "no TOC set-up before it"
    return f"+{offset:#x}, {setup}"


def _listing(answer: Audit) -> list[str]:
    if answer.listing is None:
        return []
    grid = table("SITE", "STATE", "USERS", "FLAGS", "FUNCTION")
    for site in answer.listing:
        name = site.function or "-"
        offset = f"+{site.offset:#x}" if site.offset is not None else ""
        cells = (site.address.bare, site.state, str(site.users), " ".join(site.flags) or "-")
        add_row(grid, *cells, with_module(f"{name}{offset}", site.module))
    return ["", *lines(grid)]
