# SPDX-License-Identifier: GPL-2.0-or-later
"""The answer of ``func`` as text."""

from klp_debug.render.kernel import kernel_lines, problem_lines
from klp_debug.render.terminal import add_row, escape, lines, table
from klp_debug.render.unknown import UNKNOWN, cell, unknown_line
from klp_debug.result.address import Address
from klp_debug.result.func import FuncReport, Hop, Line, Namesake, RecordResult, SiteResult, Winner
from klp_debug.result.text import plural, with_module
from klp_debug.result.unknown import Unknown, first_unknown, known

_INDENT = "    "


def function_lines(answer: FuncReport) -> list[str]:
    """Return the function top to bottom, what really runs last."""
    return [
        *kernel_lines(answer.kernel),
        "",
        *_headline(answer),
        f"runs  {escape(str(answer.runs))}",
        "",
        *_listing(answer),
        "",
        *_facts(answer),
        *_replacement(answer),
        *problem_lines(answer.problems),
    ]


def _headline(answer: FuncReport) -> list[str]:
    name = escape(with_module(answer.name, answer.module))
    also = f" (also {escape(', '.join(answer.aliases))})" if answer.aliases else ""
    head = f"{name}{also}  {answer.address.bare}, {answer.size} bytes"
    return [head, *namesake_lines(answer.namesakes), toc_sentence(answer)]


def namesake_lines(namesakes: tuple[Namesake | Unknown, ...]) -> list[str]:
    """Return a line about functions of the same name in live patches; none if there is none."""
    named = [f"{escape(one.module)} ({one.address.bare})" for one in known(namesakes)]
    lines = [f"of the same name in a live patch: {', '.join(named)}"] if named else []
    missing = first_unknown(namesakes)
    if missing is not None:
        lines.append(unknown_line("whether a live patch has others of the name", missing))
    return lines


def toc_sentence(answer: FuncReport) -> str:
    """Return how a function gets its TOC."""
    toc = f" = {answer.entry.toc.bare}" if isinstance(answer.entry.toc, Address) else ""
    match answer.entry.toc_setup:
        case Unknown():
            return "how it gets its TOC is unknown"
        case "r12":
            return f"sets its TOC from r12 at its global entry point{toc}"
        case "absolute":
            return f"sets its TOC to a constant at its global entry point{toc}"
        case "pcrel":
            return "addresses its data relative to the PC: needs no TOC"
        case _ if answer.leaf_without_toc is True and isinstance(answer.site, SiteResult):
            return "leaf function: sets no TOC before its mcount site, so r2 there is its caller's"
        case _ if isinstance(answer.site, Unknown):
            return "sets no TOC: in r2 is its caller's; whether it has a mcount site is unknown"
        case _:
            return "sets no TOC: in r2 is its caller's"


def _listing(answer: FuncReport) -> list[str]:
    site = answer.site.address if isinstance(answer.site, SiteResult) else None
    return _disassembly(answer.listing, site)


def _disassembly(listing: tuple[Line | Unknown, ...], marked: int | None = None) -> list[str]:
    grid = table()
    for line in known(listing):
        add_row(
            grid,
            " ->" if line.address == marked else "   ",
            line.address.bare,
            " ".join(word.bare for word in line.words),
            line.mnemonic,
            line.operands,
            ", ".join(line.notes),
        )
    # What could not be read is the end, and has no columns.
    unread = first_unknown(listing)
    return lines(grid) + (
        [f"     {unknown_line('its text', unread)}"] if unread is not None else []
    )


def _facts(answer: FuncReport) -> list[str]:
    grid = table()
    add_row(grid, "site", *_site_cells(answer))
    if isinstance(answer.record, Unknown):
        add_row(grid, "record", str(answer.record))
    elif answer.record is not None:
        add_row(grid, "record", record_cell(answer.record))
    else:
        add_row(grid, "record", "none: ftrace does not know this function")
    rows = lines(grid)
    if answer.chain:
        rows += chain_lines("chain", answer.chain)
    return rows


def _site_cells(answer: FuncReport) -> tuple[str, ...]:
    site = answer.site
    if isinstance(site, Unknown):
        return (str(site),)
    if site is None:
        return (f"none: {answer.no_site}; it can be neither traced nor patched",)
    target = ""
    if site.target is not None:
        symbol = site.target_symbol
        target = f" -> {site.target if symbol is None else cell(symbol)}"
    offset = f"+{site.offset:#x}, " if site.offset is not None else ""
    return (f"{offset}{site.state}, {site.dialect}{target}",)


def record_cell(record: RecordResult) -> str:
    """Return a record's flags and users, and whether it agrees with the word at its site."""
    flags = " ".join(record.flags) or "no flags"
    if isinstance(record.agrees, Unknown):
        agrees = "whether it agrees with the word is unknown"
    else:
        agrees = "agrees with the word" if record.agrees else "DISAGREES with the word at the site"
    return f"{flags}, {plural(record.users, 'user')}; {agrees}"


def chain_lines(title: str, chain: tuple[Hop | Unknown, ...]) -> list[str]:
    """Return the links of a chain, a line each, the title before the first."""
    grid = table()
    hops, unread = known(chain), first_unknown(chain)
    for position, hop in enumerate(hops):
        add_row(
            grid,
            f"{title:6}" if position == 0 else "",
            hop.kind,
            # Not behind the text: a terminal may fold the line there.
            hop_state(hop),
            hop.address.bare,
            f"{cell(hop.symbol)}: {hop.what}" if hop.symbol is not None else hop.what,
            cell(hop.bytes),
        )
    if unread is None:
        return lines(grid)
    first = "" if hops else title
    return [*lines(grid), f"{first:6}  {unknown_line('the rest of the way', unread)}"]


def hop_state(hop: Hop) -> str:
    """Return whether a link is as it must be: ``ok``, ``BROKEN`` or ``unknown``."""
    if isinstance(hop.ok, Unknown):
        return UNKNOWN
    return "ok" if hop.ok else "BROKEN"


def _replacement(answer: FuncReport) -> list[str]:
    if not answer.replacement:
        return []
    if not isinstance(answer.winner, Winner):
        return ["", "what replaces it, if anything does, is unknown"]
    symbol = escape(cell(answer.winner.symbol, ""))
    return ["", f"{symbol}  {answer.winner.new_func.bare}", *_disassembly(answer.replacement)]
