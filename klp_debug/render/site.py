# SPDX-License-Identifier: GPL-2.0-or-later
"""The answer of ``site`` as text."""

from klp_debug.render.audit import finding_lines
from klp_debug.render.func import chain_lines, record_cell
from klp_debug.render.kernel import kernel_lines, problem_lines
from klp_debug.render.terminal import add_row, escape, lines, table
from klp_debug.result.site import SiteOps, SiteReport, StubResult
from klp_debug.result.text import plural, with_module

_NEEDS = {
    "r2": "its module's TOC in r2",
    "kernel-toc": "the kernel's TOC in the paca",
    "kernel-base": "the kernel's base in the paca",
    None: "nothing",
}


def site_lines(answer: SiteReport) -> list[str]:
    """Return the verdict, the findings, and what was compared."""
    return [
        *kernel_lines(answer.kernel),
        "",
        f"{_name(answer)}  {answer.site.address.bare}",
        *_leaf(answer),
        _verdict(answer),
        *finding_lines(answer.findings),
        "",
        *_facts(answer),
        *(chain_lines("path", answer.path) if answer.path else []),
        *_stubs(answer.stubs),
        *_ops(answer.ops),
        *problem_lines(answer.problems),
    ]


def _name(answer: SiteReport) -> str:
    if answer.function is None:
        return "a site in no symbol"
    offset = f"+{answer.site.offset:#x}" if answer.site.offset else ""
    return escape(with_module(f"{answer.function}{offset}", answer.module))


def _leaf(answer: SiteReport) -> list[str]:
    if not answer.leaf_without_toc:
        return []
    return ["in a leaf function: it sets no TOC before this site, so r2 here is its caller's"]


def _verdict(answer: SiteReport) -> str:
    number = len(answer.findings)
    if number:
        return plural(number, "finding")
    if not answer.problems and all(hop.ok for hop in answer.path):
        return "no finding: word, record, stubs and ops fit together"
    return "no finding, but not everything could be followed"


def _facts(answer: SiteReport) -> list[str]:
    grid = table()
    site = answer.site
    target = f" -> {site.target_symbol or site.target.bare}" if site.target is not None else ""
    add_row(grid, "word", f"{site.word.bare}  {site.state}, {site.dialect}{target}")
    add_row(grid, "record", f"{answer.record.address.bare}  {record_cell(answer.record)}")
    if answer.record.ool_stub is not None:
        add_row(grid, "", f"its out-of-line stub: {answer.record.ool_stub.bare}")
    return lines(grid)


def _stubs(stubs: tuple[StubResult, ...]) -> list[str]:
    if not stubs:
        return []
    grid = table("STUB", "OWNER", "KIND", "NEEDS", "LEADS TO", "MAGIC AND FUNCDATA")
    for stub in stubs:
        leads = "cannot be told" if stub.target is None else stub.target_symbol or stub.target.bare
        agrees = "none" if stub.magic is None else stub.disagreement or "agree"
        owner = stub.owner or "vmlinux"
        add_row(grid, stub.address.bare, owner, stub.kind, _NEEDS[stub.needs], leads, agrees)
    return ["", *lines(grid)]


def _ops(ops: tuple[SiteOps, ...]) -> list[str]:
    if not ops:
        return ["", "no ftrace_ops wants this site"]
    grid = table("OPS", "USER", "CALLBACK", "FLAGS")
    for user_ops in ops:
        user = user_ops.user or "-"
        add_row(
            grid,
            user_ops.symbol or user_ops.address.bare,
            f"{user}: {user_ops.patch}" if user_ops.patch is not None else user,
            user_ops.func_symbol or user_ops.func.bare,
            " ".join(user_ops.flags),
        )
    return ["", *lines(grid)]
