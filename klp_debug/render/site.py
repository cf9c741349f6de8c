# SPDX-License-Identifier: GPL-2.0-or-later
"""The answer of ``site`` as text."""

from klp_debug.render.audit import finding_lines, how_many_findings
from klp_debug.render.func import chain_lines, namesake_lines, record_cell
from klp_debug.render.kernel import kernel_lines, problem_lines
from klp_debug.render.terminal import add_row, escape, lines, table
from klp_debug.result.address import Address, Word
from klp_debug.result.func import SiteResult
from klp_debug.result.site import SiteOps, SiteReport, StubResult
from klp_debug.result.text import with_module
from klp_debug.result.unknown import Unknown, known

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
        f"{_name(answer)}  {answer.record.ip.bare}",
        *namesake_lines(answer.namesakes),
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
    if isinstance(answer.function, Unknown) or isinstance(answer.module, Unknown):
        return "a site whose symbol is unknown"
    if isinstance(answer.site, Unknown):
        return f"the site of {escape(answer.label)}, whose word is unknown,"
    offset = f"+{answer.site.offset:#x}" if answer.site.offset else ""
    return escape(with_module(f"{answer.function}{offset}", answer.module))


def _leaf(answer: SiteReport) -> list[str]:
    if isinstance(answer.leaf_without_toc, Unknown):
        return ["whether its function sets a TOC before this site is unknown"]
    if not answer.leaf_without_toc:
        return []
    return ["in a leaf function: it sets no TOC before this site, so r2 here is its caller's"]


def _verdict(answer: SiteReport) -> str:
    findings = how_many_findings(answer.findings)
    if answer.problems or answer.unknown is not None:
        return f"{findings}, incomplete: not everything could be read"
    if answer.findings:
        return findings
    if all(hop.ok is True for hop in known(answer.path)):
        return "no finding: word, record, stubs and ops fit together"
    return "no finding, but not everything could be followed"


def _facts(answer: SiteReport) -> list[str]:
    grid = table()
    add_row(grid, "word", _word(answer.site))
    add_row(grid, "record", f"{answer.record.address.bare}  {record_cell(answer.record)}")
    if answer.record.ool_stub is not None:
        add_row(grid, "", f"its out-of-line stub: {answer.record.ool_stub.bare}")
    return lines(grid)


def _word(site: SiteResult | Unknown) -> str:
    if isinstance(site, Unknown):
        return str(site)
    target = ""
    if site.target is not None:
        target = f" -> {_symbol(site.target_symbol, site.target)}"
    dialect = "a dialect that is unknown" if isinstance(site.dialect, Unknown) else site.dialect
    return f"{site.word.bare}  {site.state}, {dialect}{target}"


def _stubs(stubs: tuple[StubResult | Unknown, ...]) -> list[str]:
    if not stubs:
        return []
    grid = table("STUB", "OWNER", "KIND", "NEEDS", "LEADS TO", "MAGIC AND FUNCDATA")
    for stub in stubs:
        if isinstance(stub, Unknown):
            add_row(grid, "unknown", "", "", "", "", str(stub))
            continue
        owner = _cell(stub.owner, "vmlinux")
        kind, needs = stub.kind, _NEEDS[stub.needs]
        add_row(grid, stub.address.bare, owner, kind, needs, _leads(stub), _agrees(stub))
    return ["", *lines(grid)]


def _leads(stub: StubResult) -> str:
    if not isinstance(stub.target, Address):
        return _cell(stub.target, "cannot be told")
    return _symbol(stub.target_symbol, stub.target)


def _agrees(stub: StubResult) -> str:
    if not isinstance(stub.magic, Word):
        return _cell(stub.magic, "none")
    return _cell(stub.disagreement, "agree")


def _cell(text: str | Unknown | None, none: str) -> str:
    if isinstance(text, Unknown):
        return "unknown"
    return none if text is None else text


def _symbol(symbol: str | Unknown | None, address: Address) -> str:
    if isinstance(symbol, Unknown):
        return f"{address.bare} (its symbol is unknown)"
    return address.bare if symbol is None else symbol


def _ops(ops: tuple[SiteOps | Unknown, ...]) -> list[str]:
    if not ops:
        return ["", "no ftrace_ops wants this site"]
    grid = table("OPS", "USER", "CALLBACK", "FLAGS")
    for user_ops in ops:
        if isinstance(user_ops, Unknown):
            add_row(grid, "unknown", str(user_ops), "", "")
            continue
        user = _cell(user_ops.user, "-")
        patch = user_ops.patch
        add_row(
            grid,
            _symbol(user_ops.symbol, user_ops.address),
            user if patch is None else f"{user}: {_cell(patch, '')}",
            _symbol(user_ops.func_symbol, user_ops.func),
            " ".join(user_ops.flags),
        )
        for holder in user_ops.held_by:
            add_row(grid, "", f"  {_cell(holder, '')}", "", "")
    return ["", *lines(grid)]
