# SPDX-License-Identifier: GPL-2.0-or-later
"""One function, top to bottom: its entry, its mcount site, its record, its call chain."""

from klp_debug.analysis.chain.call_chain import Chain, follow_chain
from klp_debug.analysis.chain.site_results import record_result, site_result
from klp_debug.analysis.view.find_site import why_no_site
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.analysis.view.problem_log import UNREADABLE, reason
from klp_debug.kernel.ftrace import FtraceRecord
from klp_debug.kernel.symbols import KernelSymbol
from klp_debug.ppc64le.disassembly import disassemble
from klp_debug.ppc64le.entry import Entry, TocSetup, decode_entry
from klp_debug.ppc64le.instruction import branch_target
from klp_debug.ppc64le.site import Site
from klp_debug.result.address import Address, Word
from klp_debug.result.func import EntryResult, FuncReport, Line

_LISTING_PAST_SITE = 3
_LISTING_LIMIT = 16
_REPLACEMENT_LINES = 6


def report_func(view: KernelView, symbol: KernelSymbol) -> FuncReport:
    """
    Return everything about one function.

    >>> answer = report_func(view, find_function(view.symbols, "int_to_scsilun"))
    >>> answer.runs
    'patched_int_to_scsilun [leaf_patch], which sets no TOC and uses none'
    >>> [hop.kind for hop in answer.chain]
    ['site', 'stub', 'trampoline', 'dispatch', 'ops', 'handler', 'winner', 'replacement']

    What cannot be read becomes a problem of the result; the rest is there.
    """
    return _FunctionReader(view, symbol).function()


def entry_result(entry: Entry) -> EntryResult:
    """Return decoded entry points as a result."""
    return EntryResult(
        global_=Address(entry.global_entry),
        local=Address(entry.local_entry),
        toc_setup=entry.toc_setup.value,
        toc=Address(entry.toc) if entry.toc is not None else None,
    )


class _FunctionReader:
    def __init__(self, view: KernelView, symbol: KernelSymbol) -> None:
        self._view = view
        self._symbol = symbol
        self._words: tuple[int, ...] = ()
        self._record: FtraceRecord | None = None

    def function(self) -> FuncReport:
        view, symbol = self._view, self._symbol
        entry = decode_entry((), symbol.address, st_other=symbol.st_other, pcrel=view.pcrel)
        site: Site | None = None
        with view.problems.noting(f"text of {symbol.name}"):
            self._words = view.function_words(symbol, _LISTING_LIMIT)
            entry = view.entry_of(symbol)
            site = view.site_of(symbol, entry)
        self._record = view.record_of(symbol)
        chain = follow_chain(view, symbol, entry, site) if site is not None else None
        replacement, replacement_entry = self._replacement(chain.new_func if chain else None)
        return FuncReport(
            kernel=view.describe(),
            name=symbol.name,
            module=symbol.module,
            address=Address(symbol.address),
            size=symbol.size,
            entry=entry_result(entry),
            leaf_without_toc=entry.toc_setup is TocSetup.NONE and not view.pcrel,
            site=site_result(view, site, site.offset) if site is not None else None,
            no_site=why_no_site(view, symbol) if site is None else None,
            record=record_result(view, self._record, site) if self._record is not None else None,
            listing=self._listing(entry, site),
            chain=chain.hops if chain is not None else (),
            winner=chain.winner if chain else None,
            replacement=replacement,
            replacement_entry=replacement_entry,
            runs=self._runs(chain, replacement_entry),
            problems=view.problems.all(),
        )

    def _listing(self, entry: Entry, site: Site | None) -> tuple[Line, ...]:
        last = site.address if site is not None else entry.local_entry
        notes: dict[int, list[str]] = {}
        if entry.global_entry == entry.local_entry:
            notes[entry.global_entry] = ["global and local entry point"]
        else:
            notes[entry.global_entry] = ["global entry point"]
            notes[entry.local_entry] = ["local entry point"]
        if site is not None:
            note = f"mcount site, +{site.offset:#x}, {site.state.value}"
            notes.setdefault(site.address, []).append(note)
        lines = self._lines(self._words, self._symbol.address, notes)
        end = next((i for i, line in enumerate(lines) if line.address > last), len(lines))
        return lines[: end + _LISTING_PAST_SITE - 1]

    def _lines(
        self, words: tuple[int, ...], address: int, notes: dict[int, list[str]]
    ) -> tuple[Line, ...]:
        lines = []
        for instruction in disassemble(words, address):
            here = list(notes.get(instruction.address, ()))
            target = branch_target(instruction.word, instruction.address)
            if target is not None and (symbol := self._view.symbols.format(target)):
                here.append(f"to {symbol}")
            suffix = () if instruction.suffix is None else (Word(instruction.suffix),)
            lines.append(
                Line(
                    address=Address(instruction.address),
                    words=(Word(instruction.word), *suffix),
                    mnemonic=instruction.mnemonic,
                    operands=instruction.operands,
                    notes=tuple(here),
                )
            )
        return tuple(lines)

    def _replacement(self, new_func: int | None) -> tuple[tuple[Line, ...], EntryResult | None]:
        symbol = self._view.symbols.covering(new_func) if new_func is not None else None
        if symbol is None or symbol.address != new_func:
            return (), None
        try:
            entry = self._view.entry_of(symbol)
            words = self._view.function_words(symbol, _REPLACEMENT_LINES)
        except UNREADABLE as error:
            self._view.problems.add(f"replacement {symbol.name}", reason(error))
            return (), None
        notes = {entry.global_entry: ["global entry point"]}
        if entry.local_entry != entry.global_entry:
            notes[entry.local_entry] = ["local entry point"]
        return self._lines(words, symbol.address, notes), entry_result(entry)

    def _runs(self, chain: Chain | None, replacement: EntryResult | None) -> str:
        name = self._symbol.name
        if chain is None or not chain.patched:
            return f"{name} itself: no live patch replaces it"
        if chain.disarmed is not None and not chain.redirected:
            return f"{name} itself: a debugger holds it disarmed, {chain.disarmed}"
        if not all(hop.ok for hop in chain.hops):
            return "unknown: its call chain is broken"
        after = ""
        if chain.unswitched is not None:
            after = f"; in transition: tasks not yet switched run {chain.unswitched}"
        if chain.new_func is None or chain.winner is None:
            return f"{name} itself: its patch sends callers to the original{after}"
        how = ""
        if replacement is not None:
            how = {
                "r12": ", TOC set from r12 at its global entry point",
                "absolute": ", TOC set to a constant at its global entry point",
                "none": ", which sets no TOC and uses none",
                "pcrel": ", which addresses its data relative to the PC",
            }[replacement.toc_setup]
        return f"{chain.winner.symbol or chain.winner.new_func}{how}{after}"
