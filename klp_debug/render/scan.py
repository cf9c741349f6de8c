# SPDX-License-Identifier: GPL-2.0-or-later
"""The answer of ``scan`` as text."""

from klp_debug.render.audit import finding_lines
from klp_debug.render.kernel import problem_lines
from klp_debug.render.terminal import add_row, escape, lines, table
from klp_debug.result.audit import Offsets
from klp_debug.result.common import Finding
from klp_debug.result.scan import (
    LEVELS,
    Hazard,
    PredictedFunction,
    Scan,
    ScannedFile,
    ScanPart,
    ScanRest,
)
from klp_debug.result.text import plural

_KINDS = {
    "leaf": "leaf, sets no TOC before its site",
    "toc": "sets its TOC before its site",
    "notrace": "no site: notrace",
    "no-site": "no site: assembler, or compiled without ftrace",
    "unlisted": "no site that ftrace knows: no list names it",
}


def scan_lines(answer: Scan) -> list[str]:
    """Return the verdict, the hazards, then each file."""
    return [
        _verdict(answer),
        *_hazards(answer, with_file=len(answer.files) > 1),
        *(line for file in answer.files for line in _file(file)),
        *problem_lines(answer.problems),
    ]


def scan_part_lines(answer: ScanPart) -> list[str]:
    """
    Return one file of a folder, as it is printed when it is done: its hazards stand below it.

    A folder may hold thousands, so one line must do for a file that nothing is to be said of.
    """
    found = _hazards(answer, with_file=True)
    described = []
    for file in answer.files:
        if found or file.functions or file.patch is not None:
            described += _file(file)
        else:
            described.append(f"{escape(file.path)}: {file.kind}, functions {_counts(file)}")
    return [*described, *found]


def scan_rest_lines(answer: ScanRest) -> list[str]:
    """Return what is said of the files of a folder when each of them was shown."""
    return ["", _verdict(answer), *problem_lines(answer.problems)]


def _hazards(answer: Scan, *, with_file: bool) -> list[str]:
    shown = [hazard for hazard in answer.hazards if not hazard.accepted]
    shown.sort(key=lambda hazard: -LEVELS.index(hazard.level))
    return finding_lines(tuple(_finding(hazard, with_file=with_file) for hazard in shown))


def _finding(hazard: Hazard, *, with_file: bool) -> Finding:
    subject = f"{hazard.file}: {hazard.subject}" if with_file else hazard.subject
    return Finding(
        id=hazard.id,
        severity=hazard.level,
        subject=subject,
        evidence=hazard.evidence,
        meaning=hazard.meaning,
        action=hazard.action,
    )


def _verdict(answer: Scan) -> str:
    files = plural(len(answer.files), "file", grouped=True)
    if not any(file.patch is not None for file in answer.files):
        verdict = f"{files} scanned; no livepatch module among them"
    elif not answer.hazards:
        verdict = f"no hazard in {files}"
    else:
        levels = [hazard.level for hazard in answer.hazards if not hazard.accepted]
        new = ", ".join(
            plural(levels.count(level), level, grouped=True)
            for level in ("error", "warning", "note")
            if level in levels
        )
        accepted = sum(hazard.accepted for hazard in answer.hazards)
        verdict = f"{new or 'no new hazard'} in {files}"
        verdict += f"; {accepted} more accepted" if accepted else ""
    if answer.skipped:
        verdict += f"; {plural(answer.skipped, 'file', grouped=True)} not for ppc64le"
    return verdict


def _file(file: ScannedFile) -> list[str]:
    grid = table()
    add_row(grid, "  dialect", file.dialect + (", no TOC (pcrel)" if file.pcrel else ""))
    add_row(grid, "  sites by", ", ".join(file.site_sources) or "nothing: it has no list of sites")
    add_row(grid, "  compiler", "; ".join(file.compilers) or "does not say")
    if file.vermagic:
        add_row(grid, "  for", file.vermagic.strip())
    add_row(grid, "  functions", _counts(file))
    if file.sites_outside:
        outside = plural(file.sites_outside, "site", grouped=True)
        add_row(grid, "", f"{outside} in no function: weak ones that the linker dropped")
    if file.offsets:
        add_row(grid, "  offset", _offsets(file))
    return [
        "",
        f"{escape(file.path)}: {file.kind}",
        *lines(grid),
        *_patch(file.patch),
        *_functions(file),
    ]


def _counts(file: ScannedFile) -> str:
    counts = file.counts
    traceable = f"{counts.traceable:,} traceable"
    if not file.pcrel:
        traceable += f" ({counts.leaf:,} leaf without TOC, {counts.toc:,} with TOC)"
    unlisted = f", {counts.unlisted:,} unlisted" if counts.unlisted else ""
    return (
        f"{counts.functions:,}: {traceable}, {counts.notrace:,} notrace,"
        f" {counts.no_site:,} no site{unlisted}"
    )


def _offsets(file: ScannedFile) -> str:
    """Answer what the first of these functions were looked at for: is the offset a constant."""
    constant = len({place.offset for place in file.offsets}) == 1
    places = [
        f"+{place.offset:#x} for {_traceable(place, pcrel=file.pcrel)}" for place in file.offsets
    ]
    return f"is it a constant? {'yes' if constant else 'no'}: {', '.join(places)}"


def _traceable(place: Offsets, *, pcrel: bool) -> str:
    if pcrel:
        return plural(place.sites, "function", grouped=True)
    if place.toc_setup:
        return f"{place.sites:,} with TOC"
    return plural(place.sites, "leaf function", grouped=True) + " without TOC"


def _patch(patch: tuple[PredictedFunction, ...] | None) -> list[str]:
    if not patch:
        return []
    grid = table("  OBJECT", "FUNCTION", "SITE", "REPLACEMENT")
    for func in patch:
        position = f",{func.sympos}" if func.sympos else ""
        replacement = "-" if func.replacement is None else func.replacement.name
        cells = (f"  {func.object}", func.old_name + position, _site(func), replacement)
        add_row(grid, *cells)
    return ["", *lines(grid)]


def _site(func: PredictedFunction) -> str:
    original = func.original
    if original is None:
        return "unknown"
    if original.site is None:
        return _KINDS[original.kind]
    toc = {"r12": "behind the TOC set-up", "pcrel": "no TOC", "none": "leaf without TOC"}
    return f"+{original.site:#x}, {toc[original.toc_setup]}"


def _functions(file: ScannedFile) -> list[str]:
    if not file.functions:
        return []
    grid = table("  ADDRESS", "SECTION", "SITE", "KIND", "FUNCTION")
    for function in file.functions:
        site = "-" if function.site is None else f"+{function.site:#x}"
        kind = "traceable" if file.pcrel and function.site is not None else function.kind
        add_row(grid, f"  {function.address.bare}", function.section, site, kind, function.name)
    return ["", *lines(grid)]
