# SPDX-License-Identifier: GPL-2.0-or-later
"""
Functions of a fake kernel with their mcount sites and records, and the ftrace_ops on them.

What ftrace writes is written here by its rules: ``__ftrace_hash_rec_update()`` and
``ftrace_check_record()`` of kernel/trace/ftrace.c, ``ftrace_init_ool_stub()`` of
arch/powerpc/kernel/trace/ftrace.c.
"""

from dataclasses import dataclass, field

from tests.support.fake_kernel import TEXT, TEXT_SIZE, Struct
from tests.support.fake_modules import FakeModule, ModuleKernel
from tests.support.instructions import (
    BLR,
    MFLR_R0,
    MTLR_R0,
    NOP,
    STD_R0_16_R1,
    STDU_R1_32,
    b,
    bl,
    set_up_toc,
)
from tests.support.kernel_structs import MPROFILE, Build, flags
from tests.support.made_object import FUNC, NOTYPE
from tests.support.paged_memory import PAGE
from tests.support.trampoline_words import MENDED

FUNCTION_SIZE = 0x40
"""Of every function here, in bytes."""
LOCAL_ENTRY_8 = 0x60
"""``st_other`` of a function whose local entry point is 8 bytes behind the global one."""
NO_TOC = 0x20
"""That of PC-relative code."""
_OOL = TEXT + TEXT_SIZE // 2
"""Where vmlinux's out-of-line stubs are."""


@dataclass(eq=False)
class FakeFunction:
    """A function in the text of vmlinux or a module."""

    kernel: "FtraceKernel"
    name: str
    module: FakeModule | None
    address: int
    toc_setup: bool
    site: int = 0
    """The mcount site; 0 if the compiler made none."""
    ool_stub: int = 0
    """``insn[0]`` of the site's out-of-line stub; 0 where the kernel has none."""
    _record: Struct | None = None

    @property
    def local_entry(self) -> int:
        return self.address + (8 if self.toc_setup else 0)

    @property
    def record(self) -> Struct:
        """Its ``struct dyn_ftrace``."""
        assert self._record is not None
        return self._record

    @property
    def site_label(self) -> str:
        """The site as ``%pS`` prints it."""
        offset = f"+{self.site - self.address:#x}" if self.site != self.address else ""
        return f"{self.name}{offset}" + (f" [{self.module.name}]" if self.module else "")

    @property
    def site_word(self) -> int:
        return self.kernel.word(self.site)

    @site_word.setter
    def site_word(self, word: int) -> None:
        self.kernel.put_words(self.site, word)

    @property
    def call_at(self) -> int:
        """Where the ``bl`` is that the site makes: itself, or in its out-of-line stub."""
        return self.ool_stub + 4 if self.ool_stub else self.site

    def call(self, target: int) -> None:
        """Write what the armed site calls."""
        self.kernel.put_words(self.call_at, bl(self.call_at, target))

    def has_flags(self, *names: str, count: int) -> None:
        """Write the flags and the count of its record."""
        self.record["flags"] = self.kernel.record_bits(*names) | count

    def lose_text(self) -> None:
        """Take the page of its text away."""
        self.kernel.memory.lose(self.address)


@dataclass(eq=False)
class FakeOps:
    """A registered ``struct ftrace_ops``, and the functions in its filter."""

    struct: Struct
    functions: list[FakeFunction] = field(default_factory=list)
    everything: bool = False

    def wants(self, function: FakeFunction) -> bool:
        return self.everything or function in self.functions

    @property
    def address(self) -> int:
        return self.struct.address


class FtraceKernel(ModuleKernel):
    """A kernel whose functions can be traced."""

    def __init__(self, build: Build = MPROFILE) -> None:
        super().__init__(build)
        self._bits = flags(build)
        self.record_pages: dict[str | None, Struct] = {}
        """Module, or None for vmlinux -> the ``struct ftrace_page`` of its records."""
        self._next_function, self._next_ool_stub = TEXT, _OOL
        self.functions: dict[str, FakeFunction] = {}
        self.registered: list[FakeOps] = []
        self.symbol("_stext", TEXT)
        self.symbol("_etext", TEXT + TEXT_SIZE)
        self.first_record_page = self.variable("ftrace_pages_start", "struct ftrace_page *")
        self.ops_list = self.variable("ftrace_ops_list", "struct ftrace_ops *")
        self._list_end = self.struct_variable("ftrace_list_end", "ftrace_ops", symbol=True)
        self.variable("ftrace_disabled", "int")
        self._write_list()
        for name in ("ftrace_stub", "arch_ftrace_ops_list_func", "function_trace_call"):
            self.function(name, traced=False)
        self._make_trampolines()

    # text

    def function(
        self, name: str, module: str | None = None, *, leaf: bool = False, traced: bool = True
    ) -> FakeFunction:
        """
        Compile a function into vmlinux or a module.

        :param leaf: without TOC set-up; no function has one where the kernel has none
        :param traced: whether it has an mcount site, and ftrace a record of that
        """
        owner = self.module(module) if module is not None else None
        toc_setup = not (leaf or self.build.pcrel)
        made = FakeFunction(self, name, owner, self._text(owner), toc_setup)
        st_other = LOCAL_ENTRY_8 if toc_setup else NO_TOC if self.build.pcrel else 0
        if owner is None:
            self.symbol(name, made.address, FUNCTION_SIZE, FUNC, st_other)
        else:
            owner.symbol(name, made.address, FUNCTION_SIZE, st_other)
        toc = self.kernel_toc if owner is None else owner.toc
        words = list(set_up_toc(made.address, toc)) if toc_setup else []
        if traced:
            before = [] if self.build.out_of_line else [MFLR_R0]
            made.site = made.address + 4 * len(words + before)
            words += [*before, NOP]
        words += [MFLR_R0, STD_R0_16_R1, STDU_R1_32, NOP, BLR]
        self.put_words(made.address, *words)
        if traced:
            self._make_record(made)
        self.functions[name] = made
        return made

    def _text(self, module: FakeModule | None) -> int:
        if module is None:
            address = self._next_function
            self._next_function += PAGE
        else:
            address = module.next_function
            module.next_function += PAGE
        self.memory.write(address, bytes(PAGE))
        return address

    def _make_trampolines(self) -> None:
        dispatcher = self.functions["arch_ftrace_ops_list_func"]
        callers = (("ftrace_caller", "ftrace_call"), ("ftrace_regs_caller",) * 2)
        for name, label in callers[: 1 if self.build.linux_4_12 else 2]:
            address = self._text(None)
            self.symbol(name, address, 0x100, FUNC)
            self.put_words(address, *(MENDED if self.build.out_of_line else (NOP, BLR)))
            if not self.build.out_of_line:
                label = label.replace("regs_caller", "regs_call")
                self.symbol(label, address + 0x40, kind=NOTYPE)
                self.put_words(address + 0x40, bl(address + 0x40, dispatcher.local_entry))
        if self.build.out_of_line:
            for name in ("ftrace_nop_ops", "ftrace_list_ops"):
                self.struct_variable(name, "ftrace_ops", symbol=True)
        else:
            self.symbol("_mcount", self._text(None), 0x10, FUNC)
            self.variable("ftrace_trace_function", "void *", dispatcher.address)

    # records

    def record_bits(self, *names: str) -> int:
        """Return flags of records as a word."""
        return sum(self._bits["ftrace_fl"][f"FTRACE_FL_{name}"] for name in names)

    def ops_bits(self, *names: str) -> int:
        """Return flags of ftrace_ops as a word."""
        return sum(self._bits["ftrace_ops_fl"][f"FTRACE_OPS_FL_{name}"] for name in names)

    def _make_record(self, function: FakeFunction) -> None:
        owner = function.module.name if function.module is not None else None
        if owner not in self.record_pages:
            self.record_pages[owner] = self.new("ftrace_page", records=self.allocate(PAGE))
            self.record_pages[owner]["next"] = self.prog_u64(self.first_record_page)
            self.put_u64(self.first_record_page, self.record_pages[owner].address)
        page = self.record_pages[owner]
        size = self.layouts["dyn_ftrace"].size
        function._record = Struct(self, "dyn_ftrace", page["records"] + page["index"] * size)
        page["index"] += 1
        function.record["ip"] = function.site
        if self.build.out_of_line:
            self._make_ool_stub(function)

    def _make_ool_stub(self, function: FakeFunction) -> None:
        module = function.module
        if module is None:
            function.ool_stub = self._next_ool_stub + 8
            self._next_ool_stub += PAGE
        else:
            function.ool_stub = module.next_ool_stub + 8
            module.next_ool_stub += PAGE
        at = function.ool_stub
        self.memory.write(at - 8, bytes(PAGE))
        function.record["arch.ool_stub"] = at
        self.put_u64(at - 8, self.address("ftrace_nop_ops"))
        caller = module.tramp if module is not None else self.address("ftrace_caller")
        self.put_words(at, MFLR_R0, bl(at + 4, caller), MTLR_R0, b(at + 12, function.site + 4))

    def prog_u64(self, address: int) -> int:
        """Return the doubleword at an address."""
        return int.from_bytes(self.memory.read(address, 8), "little")

    # ftrace_ops

    def ops(
        self,
        callback: str,
        *functions: FakeFunction,
        flags: tuple[str, ...] = ("ENABLED", "INITIALIZED"),
        everything: bool = False,
        name: str | None = None,
    ) -> FakeOps:
        """
        Register an ftrace_ops on functions.

        :param callback: the function that it calls, made if there is none of the name
        :param everything: with an empty filter, which means every function
        :param name: of the variable of vmlinux that it is, if it is one
        """
        if name is not None:
            made = self.struct_variable(name, "ftrace_ops", symbol=True)
        else:
            made = self.new("ftrace_ops")
        return self.register(made, callback, functions, flags=flags, everything=everything)

    def register(
        self,
        ops: Struct,
        callback: str,
        functions: tuple[FakeFunction, ...],
        *,
        flags: tuple[str, ...],
        everything: bool = False,
    ) -> FakeOps:
        """Register an ftrace_ops that is somewhere in memory."""
        if callback not in self.functions:
            self.function(callback, traced=False)
        ops["func"] = self.functions[callback].address
        ops["flags"] = self.ops_bits(*flags)
        ops["func_hash"] = ops.at("local_hash")
        made = FakeOps(ops, list(functions), everything)
        ops["local_hash.filter_hash"] = self.hash(*(each.site for each in functions))
        ops["local_hash.notrace_hash"] = self.hash()
        # add_ftrace_ops() puts it first.
        self.registered.insert(0, made)
        self._write_list()
        self.update_all()
        return made

    def unregister(self, ops: FakeOps) -> None:
        """Take an ops off the list, and leave records and sites as they are."""
        self.registered.remove(ops)
        self._write_list()

    def hash(self, *sites: int) -> Struct:
        """Make a ``struct ftrace_hash`` of two buckets."""
        made = self.new("ftrace_hash", size_bits=1, count=len(sites), buckets=self.allocate(16))
        for number, site in enumerate(sites):
            entry = self.new("ftrace_func_entry", ip=site)
            bucket = made["buckets"] + 8 * (number % 2)
            entry["hlist.next"] = self.prog_u64(bucket)
            self.put_u64(bucket, entry.address)
        return made

    def _write_list(self) -> None:
        place = self.ops_list
        for ops in self.registered:
            self.put_u64(place, ops.address)
            place = ops.struct.at("next")
        self.put_u64(place, self._list_end.address)

    def update_all(self) -> None:
        """Make records and sites what the registered ops ask for."""
        for function in self.functions.values():
            if function.site:
                self._update(function)

    def _update(self, function: FakeFunction) -> None:
        users = [
            ops
            for ops in self.registered
            if ops.struct["flags"] & self.ops_bits("ENABLED") and ops.wants(function)
        ]
        asked = 0
        for ops in users:
            asked |= ops.struct["flags"]
        alone = len(users) == 1
        names = ["ENABLED"] if users else []
        regs = bool(asked & self.ops_bits("SAVE_REGS"))
        names += ["REGS", "REGS_EN"] if regs else []
        changed = bool(asked & self.ops_bits("IPMODIFY"))
        names += ["IPMODIFY"] if changed else []
        if self.build.out_of_line:
            names += ["CALL_OPS", "CALL_OPS_EN"] if alone else []
            names += ["TOUCHED"] if users else []
            names += ["MODIFIED"] if changed else []
        function.has_flags(*names, count=len(users))
        self._write_site(function, users, regs=regs)

    def _write_site(self, function: FakeFunction, users: list[FakeOps], *, regs: bool) -> None:
        if not users:
            function.site_word = NOP
        elif self.build.out_of_line:
            function.site_word = b(function.site, function.ool_stub)
        if self.build.out_of_line:
            listed = self.address("ftrace_list_ops")
            alone = users[0].address if len(users) == 1 else listed
            pointed = alone if users else self.address("ftrace_nop_ops")
            self.put_u64(function.ool_stub - 8, pointed)
        if users:
            function.call(self.trampoline(function.module, regs=regs))

    def trampoline(self, module: FakeModule | None, *, regs: bool) -> int:
        """Return what a site of vmlinux or a module calls."""
        if module is not None:
            return module.tramp_regs if regs else module.tramp
        regs = regs and not self.build.linux_4_12
        return self.address("ftrace_regs_caller" if regs else "ftrace_caller")
