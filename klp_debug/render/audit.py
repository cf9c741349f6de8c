# SPDX-License-Identifier: GPL-2.0-or-later
"""The answer of ``audit`` as text."""

import textwrap
from collections.abc import Iterator

from klp_debug.render.kernel import kernel_lines, problem_lines
from klp_debug.render.terminal import add_row, escape, lines, table
from klp_debug.result.audit import Audit, Count, ListedSite, StubCount
from klp_debug.result.common import Finding
from klp_debug.result.text import plural, with_module
from klp_debug.result.unknown import (
    Number,
    Unknown,
    counted,
    first_unknown,
    known,
    lowest,
    number_of,
)

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
    if answer.unread:
        left = f", incomplete: {answer.unread} could not be read"
    elif first_unknown((*answer.findings, *answer.states, *answer.stubs)) is not None:
        left = ", incomplete: not everything could be checked"
    else:
        left = ""
    return f"{how_many_findings(answer.findings)} in {answer.sites} mcount sites{left}"


def how_many_findings(findings: tuple[Finding | Unknown, ...]) -> str:
    """Return the number of findings; if not all was checked, it is at least that."""
    return plural(number_of(findings), "finding") if known(findings) else "no finding"


def finding_lines(findings: tuple[Finding | Unknown, ...]) -> list[str]:
    """
    Return the findings by id: whom each is about, with its evidence, then what it means.

    One fault is often found at many sites; what it means and what to do is said once. Last comes
    what could not be checked.
    """
    by_id: dict[str, list[Finding]] = {}
    for finding in known(findings):
        by_id.setdefault(finding.id, []).append(finding)
    missing = first_unknown(findings)
    unchecked = [
        f"not checked: {escape(str(finding))}"
        for finding in findings
        if isinstance(finding, Unknown)
    ]
    return [
        *(
            line
            for same in by_id.values()
            for line in _same_findings(same, counted(len(same), missing))
        ),
        *(["", *unchecked] if unchecked else []),
    ]


def _same_findings(findings: list[Finding], number: Number) -> list[str]:
    first = findings[0]
    times = f", {plural(number, 'time')}" if number != 1 else ""
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
    groups = (
        ("dialect", tuple(_counted(answer.dialects))),
        ("state", tuple(_counted(answer.states))),
        ("offset", tuple(_places(answer))),
        ("module stubs", tuple(_counted(answer.stubs))),
    )
    width = max((len(number) for _, counts in groups for number, _ in counts), default=0)
    grid = table()
    for title, counts in groups:
        for position, (number, what) in enumerate(counts):
            add_row(grid, title if position == 0 else "", number.rjust(width), what)
    return ["", *lines(grid)] if grid.row_count else []


def _counted(
    counts: tuple[Count | Unknown, ...] | tuple[StubCount | Unknown, ...],
) -> Iterator[tuple[str, str]]:
    """Iterate over the cells of each count: how many, and of what."""
    for count in counts:
        if isinstance(count, Unknown):
            yield "", f"others: {count}"
        else:
            yield str(count.sites if isinstance(count, Count) else count.stubs), count.what


def _places(answer: Audit) -> Iterator[tuple[str, str]]:
    for place in known(answer.offsets):
        yield str(place.sites), site_place(place.toc_setup, place.offset)
    if lowest(answer.without_symbol):
        yield str(answer.without_symbol), site_place(False, None)
    missing = first_unknown(answer.offsets)
    if missing is not None:
        yield "", f"others: {missing}"


def site_place(toc_setup: bool, offset: int | None) -> str:
    """
    Say where in its function a site is.

    :param offset: in bytes; None where no symbol covers it, so that no entry point is known
    """
    if offset is None:
        return "in no symbol; most likely weak functions that the linker dropped"
    # Not "leaf": in a kernel without TOC (CONFIG_PPC_KERNEL_PCREL) no function sets one up.
    setup = "behind the TOC set-up" if toc_setup else "no TOC set-up before it"
    return f"+{offset:#x}, {setup}"


def _listing(answer: Audit) -> list[str]:
    if answer.listing is None:
        return []
    grid = table("SITE", "STATE", "USERS", "FLAGS", "FUNCTION")
    for site in answer.listing:
        if isinstance(site, Unknown):
            add_row(grid, "others", "unknown", "", "", str(site))
            continue
        state = "unknown" if isinstance(site.state, Unknown) else site.state
        flags = " ".join(site.flags) or "-"
        add_row(grid, site.address.bare, state, str(site.users), flags, _where(site))
    return ["", *lines(grid)]


def _where(site: ListedSite) -> str:
    if isinstance(site.function, Unknown) or isinstance(site.module, Unknown):
        return "unknown"
    if site.function is None or not isinstance(site.offset, int):
        return "-"
    return with_module(f"{site.function}+{site.offset:#x}", site.module)
