# SPDX-License-Identifier: GPL-2.0-or-later
"""The answer of ``func`` as text."""

from klp_debug.render.kernel import kernel_lines, problem_lines
from klp_debug.render.terminal import add_row, escape, lines, table
from klp_debug.result.func import FuncReport, Hop, Line, RecordResult
from klp_debug.result.text import plural, with_module
from klp_debug.result.unknown import Unknown

_INDENT = "    "


def function_lines(answer: FuncReport) -> list[str]:
    """Return the function top to bottom, what really runs last."""
    return [
        *kernel_lines(answer.kernel),
        "",
        *_headline(answer),
        f"runs  {escape(answer.runs)}",
        "",
        *_listing(answer),
        "",
        *_facts(answer),
        *_replacement(answer),
        *problem_lines(answer.problems),
    ]


def _headline(answer: FuncReport) -> list[str]:
    name = escape(with_module(answer.name, answer.module))
    return [f"{name}  {answer.address.bare}, {answer.size} bytes", toc_sentence(answer)]


def toc_sentence(answer: FuncReport) -> str:
    """Return how a function gets its TOC."""
    toc = f" = {answer.entry.toc.bare}" if answer.entry.toc is not None else ""
    match answer.entry.toc_setup:
        case "r12":
            return f"sets its TOC from r12 at its global entry point{toc}"
        case "absolute":
            return f"sets its TOC to a constant at its global entry point{toc}"
        case "pcrel":
            return "addresses its data relative to the PC: needs no TOC"
        case _ if answer.leaf_without_toc and answer.site is not None:
            return "leaf function: sets no TOC before its mcount site, so r2 there is its caller's"
        case _:
            return "sets no TOC: in r2 is its caller's"


def _listing(answer: FuncReport) -> list[str]:
    site = answer.site.address if answer.site is not None else None
    return _disassembly(answer.listing, site)


def _disassembly(listing: tuple[Line, ...], marked: int | None = None) -> list[str]:
    grid = table()
    for line in listing:
        add_row(
            grid,
            " ->" if line.address == marked else "   ",
            line.address.bare,
            " ".join(word.bare for word in line.words),
            line.mnemonic,
            line.operands,
            ", ".join(line.notes),
        )
    return lines(grid)


def _facts(answer: FuncReport) -> list[str]:
    grid = table()
    add_row(grid, "site", *_site_cells(answer))
    if answer.record is not None:
        add_row(grid, "record", record_cell(answer.record))
    else:
        add_row(grid, "record", "none: ftrace does not know this function")
    rows = lines(grid)
    if answer.chain:
        rows += chain_lines("chain", answer.chain)
    return rows


def _site_cells(answer: FuncReport) -> tuple[str, ...]:
    site = answer.site
    if site is None:
        return (f"none: {answer.no_site}; it can be neither traced nor patched",)
    target = f" -> {site.target_symbol or site.target}" if site.target is not None else ""
    offset = f"+{site.offset:#x}, " if site.offset is not None else ""
    return (f"{offset}{site.state}, {site.dialect}{target}",)


def record_cell(record: RecordResult) -> str:
    """Return a record's flags and users, and whether it agrees with the word at its site."""
    flags = " ".join(record.flags) or "no flags"
    if isinstance(record.agrees, Unknown):
        agrees = "whether it agrees with the word at the site is unknown"
    else:
        agrees = "agrees with the word" if record.agrees else "DISAGREES with the word at the site"
    return f"{flags}, {plural(record.users, 'user')}; {agrees}"


def chain_lines(title: str, chain: tuple[Hop | Unknown, ...]) -> list[str]:
    """Return the links of a chain, a line each, the title before the first."""
    grid = table()
    for position, hop in enumerate(chain):
        first = f"{title:6}" if position == 0 else ""
        if isinstance(hop, Unknown):
            add_row(grid, first, "", "unknown", "", hop.reason, "")
            continue
        add_row(
            grid,
            first,
            hop.kind,
            # Not behind the text: a terminal may fold the line there.
            _judged(hop.ok),
            hop.address.bare,
            _what(hop),
            hop.bytes,
        )
    return lines(grid)


def _judged(ok: bool | Unknown) -> str:
    if isinstance(ok, Unknown):
        return "unknown"
    return "ok" if ok else "BROKEN"


def _what(hop: Hop) -> str:
    if isinstance(hop.symbol, Unknown):
        return f"{hop.what} (its symbol is unknown)"
    return f"{hop.symbol}: {hop.what}" if hop.symbol else hop.what


def _replacement(answer: FuncReport) -> list[str]:
    if not answer.replacement or answer.winner is None:
        return []
    symbol = escape(answer.winner.symbol or "")
    return ["", f"{symbol}  {answer.winner.new_func.bare}", *_disassembly(answer.replacement)]
