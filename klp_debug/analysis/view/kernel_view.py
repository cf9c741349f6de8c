# SPDX-License-Identifier: GPL-2.0-or-later
"""One kernel as every analysis sees it: symbols, records and words, each read once."""

import struct
from collections import Counter
from collections.abc import Callable
from functools import cached_property
from typing import Any, Self, TypeVar

from drgn import Object

from klp_debug.analysis.view.livepatch_entry import entry_layout
from klp_debug.analysis.view.problem_log import UNREADABLE, ProblemLog
from klp_debug.analysis.view.walked import Walked
from klp_debug.kernel.ftrace import (
    FlagNames,
    FtraceRecord,
    FtraceRecords,
    ftrace_ops_flags,
    ftrace_record_flags,
    has_ftrace,
    read_ftrace_records,
)
from klp_debug.kernel.ftrace_symbols import (
    KLP_ENABLE_PATCH,
    LIVEPATCH_HANDLER,
    MCOUNT,
    TRAMPOLINES,
)
from klp_debug.kernel.livepatch import for_each_klp_patch, has_livepatch
from klp_debug.kernel.livepatch_stack import EntryLayout
from klp_debug.kernel.log import LogRecord, for_each_log_record
from klp_debug.kernel.module import for_each_module, module_is_livepatch, module_name
from klp_debug.kernel.symbols import KernelSymbol, KernelSymbols, SymbolTable
from klp_debug.ppc64le.entry import Entry, decode_entry
from klp_debug.ppc64le.site import Dialect, Site, SiteState, decode_site
from klp_debug.result.kernel import Kernel
from klp_debug.result.unknown import Unknown, first_unknown
from klp_debug.targets.target import Target

_DIALECT_SAMPLE = 64
_ENTRY_WORDS = 16

T = TypeVar("T")


class KernelView:
    """A target with what analyses need of it, kept for one answer."""

    def __init__(self, target: Target) -> None:
        """Look at an opened target."""
        self.target = target
        self.prog = target.prog
        self.problems = ProblemLog()
        self.problems.extend(target.problems)
        self._made: dict[Callable[[Self], Any], Any] = {}

    def once(self, make: Callable[[Self], T]) -> T:
        """
        Return what is made of this view; it is made once, though several rules ask for it.

        >>> view.once(FuncStacks) is view.once(FuncStacks)
        True
        """
        if make not in self._made:
            self._made[make] = make(self)
        made: T = self._made[make]
        return made

    def words(self, address: int, count: int) -> tuple[int, ...]:
        """
        Read instruction words.

        :raises drgn.FaultError: if one of them cannot be read
        """
        return struct.unpack(f"<{count}I", self.prog.read(address, 4 * count))

    @cached_property
    def modules(self) -> Walked[Object]:
        """The loaded modules, ``struct module *`` each."""
        return self.problems.walk("list of modules", for_each_module(self.prog))

    @cached_property
    def symbols(self) -> KernelSymbols:
        """The symbols of vmlinux and of every module that can be read."""
        tables = []
        missing = self.modules.missing
        if self.target.vmlinux is not None:
            tables.append(SymbolTable.of_vmlinux(self.target.vmlinux))
        for module in self.modules:
            where = f"symbols of module at {module.value_():#x}"
            table = self.problems.attempt(where, SymbolTable.of_module, module)
            if isinstance(table, Unknown):
                missing = first_unknown((missing, table))
            else:
                tables.append(table)
        return KernelSymbols(tables, missing)

    @cached_property
    def records(self) -> FtraceRecords:
        """Every ftrace record that can be read; none of a kernel that has no ftrace."""
        if not self.has_ftrace:
            return FtraceRecords.empty()
        records = self.problems.attempt("ftrace records", read_ftrace_records, self.prog)
        if isinstance(records, Unknown):
            return FtraceRecords.empty(records)
        if records.missing is not None:
            self.problems.add(*records.missing.reason.split(": ", 1))
        return records

    @cached_property
    def log(self) -> Walked[LogRecord]:
        """The kernel's log, the oldest record first."""
        return self.problems.walk("log of the kernel", for_each_log_record(self.prog))

    @cached_property
    def record_flags(self) -> FlagNames:
        """The names of ``FTRACE_FL_*`` in this kernel; none of one that has no ftrace."""
        if not self.has_ftrace:
            return FlagNames({})
        names = self.problems.attempt("flags of ftrace records", ftrace_record_flags, self.prog)
        return FlagNames({}) if isinstance(names, Unknown) else names

    @cached_property
    def ops_flags(self) -> FlagNames:
        """The names of ``FTRACE_OPS_FL_*`` in this kernel; none of one that has no ftrace."""
        if not self.has_ftrace:
            return FlagNames({})
        names = self.problems.attempt("flags of ftrace_ops", ftrace_ops_flags, self.prog)
        return FlagNames({}) if isinstance(names, Unknown) else names

    @cached_property
    def pcrel(self) -> bool:
        """Whether the kernel addresses its data relative to the PC and has no TOC."""
        # With CONFIG_PPC_KERNEL_PCREL (6.4 and later) the paca has no kernel_toc.
        return not self.prog.type("struct paca_struct").has_member("kernel_toc")

    @cached_property
    def kernel_toc(self) -> int | Unknown | None:
        """What the paca holds as the kernel's TOC; None in a kernel that has none."""
        return None if self.pcrel else self._of_the_paca("kernel_toc")

    @cached_property
    def kernel_base(self) -> int | Unknown | None:
        """What the paca of a kernel without TOC holds; None in one that has a TOC."""
        return self._of_the_paca("kernelbase") if self.pcrel else None

    def _of_the_paca(self, member: str) -> int | Unknown:
        """Return a value that is the same for every CPU; module stubs start from it."""
        # Since Linux kernel commit d2e60075a3d4 ("powerpc/64: Use array of paca pointers and
        # allocate pacas individually") (in v4.17) they are no array.
        pointers = "paca_ptrs" in self.prog

        def read() -> int:
            first = self.prog["paca_ptrs"][0] if pointers else self.prog["paca"][0]
            return int(first.member_(member).value_())

        label = f"paca_ptrs[0]->{member}" if pointers else f"paca[0].{member}"
        return self.problems.attempt(label, read)

    @cached_property
    def has_ftrace(self) -> bool:
        """Whether the kernel was built with ``CONFIG_DYNAMIC_FTRACE``."""
        return has_ftrace(self.prog)

    @cached_property
    def has_livepatch(self) -> bool:
        """Whether the kernel was built with ``CONFIG_LIVEPATCH``."""
        return self.has_livepatch_types or bool(self.symbols.named(KLP_ENABLE_PATCH, "vmlinux"))

    @cached_property
    def klp_patches(self) -> Walked[Object]:
        """The registered patches, ``struct klp_patch *`` each; none without CONFIG_LIVEPATCH."""
        listed = for_each_klp_patch(self.prog) if self.has_livepatch else ()
        return self.problems.walk("list klp_patches", listed)

    @cached_property
    def has_livepatch_types(self) -> bool:
        """
        Whether the debugging information has them.

        It may be reduced, or be split and the other part not there: without them nothing of a
        kernel's patches can be read.
        """
        return has_livepatch(self.prog)

    @cached_property
    def livepatch_entry(self) -> EntryLayout | Unknown:
        """How an entry of a task's livepatch stack is laid out."""
        return self.problems.attempt(LIVEPATCH_HANDLER, entry_layout, self.symbols, self.words)

    @cached_property
    def call_ops(self) -> bool:
        """
        Whether each site has a pointer to the ftrace_ops that it calls.

        CONFIG_DYNAMIC_FTRACE_WITH_CALL_OPS, on ppc64 since Linux kernel commit e717754f0bb5
        ("powerpc/ftrace: Add support for DYNAMIC_FTRACE_WITH_CALL_OPS") (in v6.13).
        """
        return self.records.out_of_line and bool(self.symbols.named("ftrace_nop_ops", "vmlinux"))

    @cached_property
    def patchable(self) -> bool:
        """
        Whether the compiler left nops for ftrace rather than calls of ``_mcount``.

        Once ftrace has rewritten them the words do not tell any more.
        """
        return not self.symbols.named(MCOUNT)

    @cached_property
    def dialect(self) -> Dialect:
        """The shape of most of vmlinux's mcount sites, from a sample spread over its text."""
        records = self.records
        step = max(1, len(records) // _DIALECT_SAMPLE)
        seen: Counter[Dialect] = Counter()
        for index in range(0, len(records), step):
            symbol = self.symbols.known_at(records[index].ip)
            if symbol is None or symbol.module is not None:
                continue
            try:
                site = self.site_of(symbol, self.entry_of(symbol))
            except UNREADABLE:
                continue
            if isinstance(site, Site):
                seen[site.dialect] += 1
        return seen.most_common(1)[0][0] if seen else Dialect.UNKNOWN

    def entry_of(self, symbol: KernelSymbol) -> Entry:
        """
        Decode a function's entry points.

        :raises drgn.FaultError: if its beginning cannot be read
        """
        return decode_entry(
            self.function_words(symbol),
            symbol.address,
            st_other=symbol.st_other,
            pcrel=self.pcrel,
        )

    def site_of(self, symbol: KernelSymbol, entry: Entry) -> Site | Unknown | None:
        """
        Decode a function's mcount site; None if ftrace has no record of the function.

        Where its record cannot be read, the site is sought by its shape.

        :raises drgn.FaultError: if its beginning cannot be read
        """
        record = self.record_of(symbol)
        if record is None:
            return None
        site = decode_site(
            self.function_words(symbol),
            symbol.address,
            None if isinstance(record, Unknown) else record.ip,
            local_entry=entry.local_entry,
            patchable=self.patchable,
        )
        if isinstance(record, Unknown) and (site is None or not self._is_ftraces(site)):
            return record
        return site

    def _is_ftraces(self, site: Site) -> bool:
        """Return whether a site that was found by its shape is one, and no call of its own."""
        if site.state is not SiteState.ARMED or site.target is None:
            return site.state is SiteState.IDLE
        called = self.symbols.known_at(site.target)
        return called is None or not called.is_function or called.name in TRAMPOLINES

    def record_of(self, symbol: KernelSymbol) -> FtraceRecord | Unknown | None:
        """Return the ftrace record in a function; None if it has none."""
        records = self.records.within(symbol.address, symbol.address + max(symbol.size, 4))
        return records[0] if records else self.records.missing

    def function_words(self, symbol: KernelSymbol, limit: int = _ENTRY_WORDS) -> tuple[int, ...]:
        """
        Read a function's first instruction words, at most ``limit``.

        :raises drgn.FaultError: if they cannot be read
        """
        count = min(limit, symbol.size // 4) if symbol.size else limit
        return self.words(symbol.address, count)

    def describe(self) -> Kernel:
        """Return which kernel this is."""
        return Kernel(
            release=self.target.vmcoreinfo.release,
            build_id=self.target.build_id,
            mmu=self.target.mmu,
            page_size=self.target.page_size,
            dialect=self.dialect.value if self.has_ftrace else "none",
            pcrel=self.pcrel,
            source=self.target.source,
            livepatch=self.has_livepatch,
        )

    def is_patch_module(self, name: str) -> bool | Unknown:
        """Return whether a loaded module was made to be a live patch; False if it is not there."""
        module = self.module_of(name)
        if not isinstance(module, Object):
            return module if isinstance(module, Unknown) else False
        return self.problems.attempt(f"module {name}", module_is_livepatch, module)

    def module_of(self, name: str) -> Object | Unknown | None:
        """Return the loaded module of that name, ``struct module *``; None if there is none."""
        missing = self.modules.missing
        for module in self.modules:
            where = f"name of module at {module.value_():#x}"
            found = self.problems.attempt(where, module_name, module)
            if isinstance(found, Unknown):
                missing = first_unknown((missing, found))
            elif found == name:
                return module
        return missing
