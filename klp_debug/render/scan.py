# SPDX-License-Identifier: GPL-2.0-or-later
"""The answer of ``scan`` as text."""

from klp_debug.render.audit import finding_lines
from klp_debug.render.kernel import problem_lines
from klp_debug.render.terminal import add_row, escape, lines, table
from klp_debug.result.audit import Offsets
from klp_debug.result.common import Finding
from klp_debug.result.scan import LEVELS, Hazard, PredictedFunction, Scan, ScannedFile

_KINDS = {
    "leaf": "leaf, sets no TOC before its site",
    "toc": "sets its TOC before its site",
    "notrace": "no site: notrace",
    "no-site": "no site: assembler, or compiled without ftrace",
}


def scan_lines(answer: Scan) -> list[str]:
    """Return the verdict, the hazards, then each file."""
    shown = [one for one in answer.hazards if not one.accepted]
    shown.sort(key=lambda one: -LEVELS.index(one.level))
    several = len(answer.files) > 1
    return [
        _verdict(answer),
        *finding_lines(tuple(_finding(one, with_file=several) for one in shown)),
        *(line for file in answer.files for line in _file(file)),
        *problem_lines(answer.problems),
    ]


def _finding(one: Hazard, *, with_file: bool) -> Finding:
    subject = f"{one.file}: {one.subject}" if with_file else one.subject
    return Finding(
        id=one.id,
        severity=one.level,
        subject=subject,
        evidence=one.evidence,
        meaning=one.meaning,
        action=one.action,
    )


def _verdict(answer: Scan) -> str:
    files = _number(len(answer.files), "file")
    if not any(file.patch is not None for file in answer.files):
        said = f"{files} scanned; no livepatch module among them"
    elif not answer.hazards:
        said = f"no hazard in {files}"
    else:
        levels = [one.level for one in answer.hazards if not one.accepted]
        named = [_number(levels.count(level), level) for level in ("error", "warning", "note")]
        told = ", ".join(one for one in named if not one.startswith("0 ")) or "no new hazard"
        accepted = sum(one.accepted for one in answer.hazards)
        said = f"{told} in {files}" + (f"; {accepted} more accepted" if accepted else "")
    return said + (f"; {_number(answer.skipped, 'file')} not for ppc64le" if answer.skipped else "")


def _number(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count:,} {what}s"


def _file(file: ScannedFile) -> list[str]:
    grid = table()
    add_row(grid, "  dialect", file.dialect + (", no TOC (pcrel)" if file.pcrel else ""))
    add_row(grid, "  sites by", ", ".join(file.site_sources) or "nothing: it has no list of sites")
    add_row(grid, "  compiler", "; ".join(file.compilers) or "does not say")
    if file.vermagic:
        add_row(grid, "  for", file.vermagic.strip())
    add_row(grid, "  functions", _counts(file))
    if file.sites_outside:
        outside = _number(file.sites_outside, "site")
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
    return (
        f"{counts.functions:,}: {traceable}, {counts.notrace:,} notrace, {counts.no_site:,} no site"
    )


def _offsets(file: ScannedFile) -> str:
    """Answer what the first of these functions were looked at for: is the offset a constant."""
    constant = len({one.offset for one in file.offsets}) == 1
    told = [f"+{one.offset:#x} for {_traceable(one, pcrel=file.pcrel)}" for one in file.offsets]
    return f"is it a constant? {'yes' if constant else 'no'}: {', '.join(told)}"


def _traceable(one: Offsets, *, pcrel: bool) -> str:
    if pcrel:
        return _number(one.sites, "function")
    if one.toc_setup:
        return f"{one.sites:,} with TOC"
    return _number(one.sites, "leaf function") + " without TOC"


def _patch(patch: tuple[PredictedFunction, ...] | None) -> list[str]:
    if not patch:
        return []
    grid = table("  OBJECT", "FUNCTION", "SITE", "REPLACEMENT")
    for one in patch:
        position = f",{one.sympos}" if one.sympos else ""
        replacement = "-" if one.replacement is None else one.replacement.name
        cells = (f"  {one.object}", one.old_name + position, _site(one), replacement)
        add_row(grid, *cells)
    return ["", *lines(grid)]


def _site(one: PredictedFunction) -> str:
    original = one.original
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
    for one in file.functions:
        site = "-" if one.site is None else f"+{one.site:#x}"
        kind = "traceable" if file.pcrel and one.site is not None else one.kind
        add_row(grid, f"  {one.address.bare}", one.section, site, kind, one.name)
    return ["", *lines(grid)]
