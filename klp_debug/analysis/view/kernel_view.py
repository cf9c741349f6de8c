# SPDX-License-Identifier: GPL-2.0-or-later
"""One kernel as every analysis sees it: symbols, records and words, each read once."""

import struct
from collections import Counter
from functools import cached_property

from drgn import Object

from klp_debug.analysis.view.problem_log import UNREADABLE, ProblemLog
from klp_debug.kernel.ftrace import (
    FlagNames,
    FtraceRecord,
    FtraceRecords,
    ftrace_ops_flags,
    ftrace_record_flags,
    read_ftrace_records,
)
from klp_debug.kernel.ftrace_symbols import MCOUNT
from klp_debug.kernel.livepatch import has_livepatch
from klp_debug.kernel.log import LogRecord, for_each_log_record
from klp_debug.kernel.module import for_each_module, module_name
from klp_debug.kernel.symbols import KernelSymbol, KernelSymbols, SymbolTable
from klp_debug.ppc64le.entry import Entry, decode_entry
from klp_debug.ppc64le.site import Dialect, Site, decode_site
from klp_debug.result.kernel import Kernel
from klp_debug.targets.target import Target

_DIALECT_SAMPLE = 64
_ENTRY_WORDS = 16


class KernelView:
    """A target with what analyses need of it, kept for one answer."""

    def __init__(self, target: Target) -> None:
        """Look at an opened target."""
        self.target = target
        self.prog = target.prog
        self.problems = ProblemLog()
        self.problems.extend(target.problems)

    def words(self, address: int, count: int) -> tuple[int, ...]:
        """
        Read instruction words.

        :raises drgn.FaultError: if one of them cannot be read
        """
        return struct.unpack(f"<{count}I", self.prog.read(address, 4 * count))

    @cached_property
    def modules(self) -> tuple[Object, ...]:
        """The loaded modules, ``struct module *`` each; as many as can be read."""
        modules: list[Object] = []
        with self.problems.noting("list of modules"):
            modules.extend(for_each_module(self.prog))
        return tuple(modules)

    @cached_property
    def symbols(self) -> KernelSymbols:
        """The symbols of vmlinux and of every module."""
        tables = []
        if self.target.vmlinux is not None:
            tables.append(SymbolTable.of_vmlinux(self.target.vmlinux))
        for module in self.modules:
            with self.problems.noting(f"symbols of module at {module.value_():#x}"):
                tables.append(SymbolTable.of_module(module))
        return KernelSymbols(tables)

    @cached_property
    def records(self) -> FtraceRecords:
        """Every ftrace record; none if they cannot be read."""
        with self.problems.noting("ftrace records"):
            return read_ftrace_records(self.prog)
        return FtraceRecords.empty()

    @cached_property
    def log(self) -> tuple[LogRecord, ...]:
        """The kernel's log, the oldest record first; as much as can be read."""
        records: list[LogRecord] = []
        with self.problems.noting("log of the kernel"):
            records.extend(for_each_log_record(self.prog))
        return tuple(records)

    @cached_property
    def record_flags(self) -> FlagNames:
        """The names of ``FTRACE_FL_*`` in this kernel; none without CONFIG_DYNAMIC_FTRACE."""
        with self.problems.noting("flags of ftrace records"):
            return ftrace_record_flags(self.prog)
        return FlagNames({})

    @cached_property
    def ops_flags(self) -> FlagNames:
        """The names of ``FTRACE_OPS_FL_*`` in this kernel; none without CONFIG_FUNCTION_TRACER."""
        with self.problems.noting("flags of ftrace_ops"):
            return ftrace_ops_flags(self.prog)
        return FlagNames({})

    @cached_property
    def pcrel(self) -> bool:
        """Whether the kernel addresses its data relative to the PC and has no TOC."""
        # With CONFIG_PPC_KERNEL_PCREL (6.4 and later) the paca has no kernel_toc.
        return not self.prog.type("struct paca_struct").has_member("kernel_toc")

    @cached_property
    def kernel_toc(self) -> int | None:
        """What the paca holds as the kernel's TOC, which module stubs start from."""
        if self.pcrel:
            return None
        with self.problems.noting("paca_ptrs[0]->kernel_toc"):
            return int(self.prog["paca_ptrs"][0].kernel_toc.value_())
        return None

    @cached_property
    def kernel_base(self) -> int | None:
        """What the paca of a kernel without TOC holds, which module stubs start from."""
        if not self.pcrel:
            return None
        with self.problems.noting("paca_ptrs[0]->kernelbase"):
            return int(self.prog["paca_ptrs"][0].kernelbase.value_())
        return None

    @cached_property
    def has_livepatch(self) -> bool:
        """Whether the kernel was built with ``CONFIG_LIVEPATCH``."""
        return has_livepatch(self.prog)

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
            symbol = self.symbols.covering(records[index].ip)
            if symbol is None or symbol.module is not None:
                continue
            try:
                site = self.site_of(symbol, self.entry_of(symbol))
            except UNREADABLE:
                continue
            if site is not None:
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

    def site_of(self, symbol: KernelSymbol, entry: Entry) -> Site | None:
        """
        Decode a function's mcount site; None if ftrace has no record of the function.

        Only where no record at all can be read, the site is sought by its shape.

        :raises drgn.FaultError: if its beginning cannot be read
        """
        record = self.record_of(symbol)
        if record is None and len(self.records):
            return None
        return decode_site(
            self.function_words(symbol),
            symbol.address,
            record.ip if record else None,
            local_entry=entry.local_entry,
            patchable=self.patchable,
        )

    def record_of(self, symbol: KernelSymbol) -> FtraceRecord | None:
        """Return the ftrace record in a function, if it has one."""
        records = self.records.within(symbol.address, symbol.address + max(symbol.size, 4))
        return records[0] if records else None

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
            dialect=self.dialect.value,
            pcrel=self.pcrel,
            source=self.target.source,
            livepatch=self.has_livepatch,
        )

    def module_of(self, name: str) -> Object | None:
        """Return the loaded module of that name, ``struct module *``."""
        return next((module for module in self.modules if module_name(module) == name), None)
