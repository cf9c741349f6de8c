# SPDX-License-Identifier: GPL-2.0-or-later
"""One function, top to bottom: its entry, its mcount site, its record, its call chain."""

from dataclasses import dataclass
from functools import cached_property

from klp_debug.analysis.chain.call_chain import Chain, follow_chain
from klp_debug.analysis.chain.site_results import named_alike, record_result, site_result
from klp_debug.analysis.patches.replacement_of import in_patch
from klp_debug.analysis.view.find_site import why_no_site
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.kernel.ftrace import FtraceRecord
from klp_debug.kernel.symbols import KernelSymbol
from klp_debug.ppc64le.disassembly import disassemble
from klp_debug.ppc64le.entry import Entry, TocSetup, decode_entry
from klp_debug.ppc64le.instruction import branch_target
from klp_debug.ppc64le.site import Site
from klp_debug.result.address import Address, Word
from klp_debug.result.func import EntryResult, FuncReport, InPatch, Line
from klp_debug.result.unknown import Unknown, first_unknown, known

_LISTING_PAST_SITE = 3
_LISTING_LIMIT = 16
_REPLACEMENT_LINES = 6
_HOW = {
    "r12": ", TOC set from r12 at its global entry point",
    "absolute": ", TOC set to a constant at its global entry point",
    "none": ", which sets no TOC and uses none",
    "pcrel": ", which addresses its data relative to the PC",
}
"""How a replacement gets its TOC."""


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


@dataclass(frozen=True, slots=True)
class _Text:
    """What the words of a function tell."""

    words: tuple[int, ...]
    entry: Entry
    site: Site | Unknown | None


def _whether_it_runs(found: InPatch) -> str:
    """Say whether calls of the original run its replacement."""
    if isinstance(found.disarmed, str):
        return f"a debugger holds it disarmed, {found.disarmed}"
    match found.runs:
        case "replacement":
            return "a call of that runs this"
        case "original":
            return "a call of that runs the original now"
        case "overridden" if isinstance(found.above, Unknown):
            return f"a call of that runs another version: {found.above}"
        case "overridden":
            return f"a call of that runs the version of {found.above}"
        case "in transition" if isinstance(found.tasks, Unknown):
            return f"in transition: which tasks run this is {found.tasks}"
        case "in transition":
            return f"in transition: tasks {found.tasks} run this"
        case Unknown():
            return f"whether a call of that runs this is {found.runs}"
        case _:
            return "it is not applied to that"


class _FunctionReader:
    def __init__(self, view: KernelView, symbol: KernelSymbol) -> None:
        self._view = view
        # By which of its names a user meant it is no matter: it is told by the one people know.
        best = view.symbols.known_at(symbol.address)
        self._symbol = best if best is not None and best.address == symbol.address else symbol

    def function(self) -> FuncReport:
        view, symbol = self._view, self._symbol
        text = view.problems.attempt(f"text of {symbol.name}", self._text)
        record = view.record_of(symbol)
        # Without a record there is no site, whatever the words are.
        site = text if isinstance(text, Unknown) else text.site
        if record is None:
            site = None
        chain: Chain | Unknown | None = site if isinstance(site, Unknown) else None
        if isinstance(site, Site) and isinstance(text, _Text):
            chain = follow_chain(view, symbol, text.entry, site)
        new_func = chain.new_func if isinstance(chain, Chain) else chain
        replacement, replacement_entry = self._replacement(new_func)
        entry = self._entry(text)
        return FuncReport(
            kernel=view.describe(),
            name=symbol.name,
            module=symbol.module,
            aliases=view.symbols.aliases(symbol),
            namesakes=named_alike(view, symbol),
            in_patch=self._in_patch,
            address=Address(symbol.address),
            size=symbol.size,
            entry=entry,
            leaf_without_toc=self._leaf(entry),
            site=site_result(view, site, site.offset) if isinstance(site, Site) else site,
            no_site=self._no_site(site),
            record=record_result(view, record, site)
            if isinstance(record, FtraceRecord)
            else record,
            listing=(text,) if isinstance(text, Unknown) else self._listing(text),
            chain=chain.hops if isinstance(chain, Chain) else (() if chain is None else (chain,)),
            winner=chain.winner if isinstance(chain, Chain) else chain,
            replacement=replacement,
            replacement_entry=replacement_entry,
            runs=self._runs(chain, replacement_entry),
            problems=view.problems.all(),
        )

    @cached_property
    def _in_patch(self) -> InPatch | Unknown | None:
        return in_patch(self._view, self._symbol)

    def _text(self) -> _Text:
        view, symbol = self._view, self._symbol
        words = view.function_words(symbol, _LISTING_LIMIT)
        entry = view.entry_of(symbol)
        return _Text(words, entry, view.site_of(symbol, entry))

    def _entry(self, text: _Text | Unknown) -> EntryResult:
        if isinstance(text, _Text):
            return entry_result(text.entry)
        symbol = self._symbol
        by_symbol = decode_entry(
            (), symbol.address, st_other=symbol.st_other, pcrel=self._view.pcrel
        )
        return EntryResult(
            global_=Address(by_symbol.global_entry),
            local=Address(by_symbol.local_entry),
            toc_setup=text,
            toc=text,
        )

    def _leaf(self, entry: EntryResult) -> bool | Unknown:
        if self._view.pcrel or isinstance(entry.toc_setup, Unknown):
            return entry.toc_setup if isinstance(entry.toc_setup, Unknown) else False
        return entry.toc_setup == TocSetup.NONE.value

    def _no_site(self, site: Site | Unknown | None) -> str | Unknown | None:
        if isinstance(site, Unknown):
            return site
        return why_no_site(self._view, self._symbol) if site is None else None

    def _listing(self, text: _Text) -> tuple[Line, ...]:
        entry, site = text.entry, text.site
        last = site.address if isinstance(site, Site) else entry.local_entry
        notes: dict[int, list[str]] = {}
        if entry.global_entry == entry.local_entry:
            notes[entry.global_entry] = ["global and local entry point"]
        else:
            notes[entry.global_entry] = ["global entry point"]
            notes[entry.local_entry] = ["local entry point"]
        if isinstance(site, Site):
            note = f"mcount site, +{site.offset:#x}, {site.state.value}"
            notes.setdefault(site.address, []).append(note)
        lines = self._lines(text.words, self._symbol.address, notes)
        end = next((i for i, line in enumerate(lines) if line.address > last), len(lines))
        return lines[: end + _LISTING_PAST_SITE - 1]

    def _lines(
        self, words: tuple[int, ...], address: int, notes: dict[int, list[str]]
    ) -> tuple[Line, ...]:
        lines = []
        for instruction in disassemble(words, address):
            here = list(notes.get(instruction.address, ()))
            target = branch_target(instruction.word, instruction.address)
            symbol = self._view.symbols.format(target) if target is not None else None
            if target is not None and symbol is not None:
                here.append(f"to {self._view.symbols.label(target)}")
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

    def _replacement(
        self, new_func: int | Unknown | None
    ) -> tuple[tuple[Line | Unknown, ...], EntryResult | Unknown | None]:
        if new_func is None:
            return (), None
        symbol = new_func if isinstance(new_func, Unknown) else self._symbol_of(new_func)
        if isinstance(symbol, KernelSymbol):
            where = f"replacement {symbol.name}"
            read = self._view.problems.attempt(where, self._replacement_text, symbol)
            return ((read,), read) if isinstance(read, Unknown) else read
        return ((), None) if symbol is None else ((symbol,), symbol)

    def _symbol_of(self, new_func: int) -> KernelSymbol | Unknown | None:
        """Return the symbol that begins at an address."""
        symbol = self._view.symbols.covering(new_func)
        if isinstance(symbol, KernelSymbol) and symbol.address != new_func:
            return None
        return symbol

    def _replacement_text(self, symbol: KernelSymbol) -> tuple[tuple[Line, ...], EntryResult]:
        entry = self._view.entry_of(symbol)
        words = self._view.function_words(symbol, _REPLACEMENT_LINES)
        notes = {entry.global_entry: ["global entry point"]}
        if entry.local_entry != entry.global_entry:
            notes[entry.local_entry] = ["local entry point"]
        return self._lines(words, symbol.address, notes), entry_result(entry)

    def _ftrace_enabled(self) -> str:
        """Say what the sysctl has to do with a site that ftrace itself holds idle."""
        if self._view.target.core is not None:
            return ", as kernel.ftrace_enabled = 0 makes it (a dump cannot tell: kdump clears that)"
        enabled = self._view.problems.attempt(
            "ftrace_enabled", lambda: bool(self._view.prog["ftrace_enabled"])
        )
        if isinstance(enabled, Unknown):
            return ", as kernel.ftrace_enabled = 0 makes it; whether it is 0 is unknown"
        return "" if enabled else ": kernel.ftrace_enabled is 0"

    def _to_its_patch(self) -> str:
        """Say what an unpatched function has to do with live patching."""
        found = self._in_patch
        if isinstance(found, Unknown):
            return f"no live patch replaces it; what it is to a patch is {found}"
        if found is None:
            return "no live patch replaces it"
        if not found.applied:
            return f"code of {found.patch}, a patch that is not in klp_patches"
        if found.replaces is None:
            return f"code of the patch {found.patch}, the replacement of nothing"
        return f"{found.patch} has it for {found.replaces}; {_whether_it_runs(found)}"

    def _runs(
        self, chain: Chain | Unknown | None, replacement: EntryResult | Unknown | None
    ) -> str | Unknown:
        name = self._symbol.name
        if isinstance(chain, Unknown):
            return chain
        if chain is None or chain.patched is False:
            return f"{name} itself: {self._to_its_patch()}"
        if isinstance(chain.patched, Unknown):
            return chain.patched
        if isinstance(chain.disarmed, str) and not chain.redirected:
            return f"{name} itself: a debugger holds it disarmed, {chain.disarmed}"
        if chain.idle_by_kernel is True:
            return f"{name} itself: ftrace holds its mcount site idle{self._ftrace_enabled()}"
        # A broken link is a fact, whatever else is unknown; its end is not.
        if any(hop.ok is False for hop in known(chain.hops)):
            return "unknown: its call chain is broken"
        unread = first_unknown(
            (chain.disarmed, chain.idle_by_kernel, *chain.hops, *(h.ok for h in known(chain.hops)))
        )
        if unread is not None:
            return unread
        after = ""
        if isinstance(chain.below, Unknown):
            return chain.below
        if chain.below is not None:
            after = f"; in transition: tasks {chain.below.tasks} run {chain.below.runs}"
        if chain.new_func is None:
            return f"{name} itself: its patch sends callers to the original{after}"
        if not isinstance(chain.new_func, int):
            return chain.new_func
        how = ""
        if replacement is not None:
            setup = replacement if isinstance(replacement, Unknown) else replacement.toc_setup
            how = ", whose TOC set-up is unknown" if isinstance(setup, Unknown) else _HOW[setup]
        return f"{self._view.symbols.label(chain.new_func)}{how}{after}"
