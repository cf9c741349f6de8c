# SPDX-License-Identifier: GPL-2.0-or-later
"""
The call chain of one function, each link checked against the next.

site -> [module stub or ftrace_tramp] -> ftrace_caller -> who it calls -> ftrace_ops ->
klp_ftrace_handler -> top of the func_stack -> replacement function
"""

from collections.abc import Iterator

from drgn import FaultError, Object

from klp_debug.analysis.func_stacks import FuncStack, FuncStacks
from klp_debug.analysis.kernel_view import KernelView
from klp_debug.kernel.ftrace_ops import for_each_ftrace_ops, ftrace_ops_test
from klp_debug.kernel.livepatch import klp_func_nop, klp_func_patch, klp_patch_name
from klp_debug.kernel.module import module_ftrace_stubs
from klp_debug.kernel.symbols import KernelSymbol
from klp_debug.ppc64le.entry import Entry, TocSetup
from klp_debug.ppc64le.instruction import branch_target
from klp_debug.ppc64le.site import Site, SiteState
from klp_debug.ppc64le.stub import (
    FUNCDATA_OFFSET,
    MAGIC_OFFSET,
    STUB_ENTRY_SIZE,
    STUB_MAGIC,
    Stub,
    decode_stub,
    stub_target,
)
from klp_debug.result.address import Address, Word
from klp_debug.result.function import Hop, HopKind, Winner

_TRAMPOLINES = {"ftrace_caller": "ftrace_call", "ftrace_regs_caller": "ftrace_regs_call"}
"""Entry of each ftrace trampoline -> label of its patched call (trace/ftrace_mprofile.S)."""

_DISPATCHERS = ("arch_ftrace_ops_list_func", "ftrace_ops_list_func")


class CallChain:
    """Follows a function from its mcount site to what runs in the end."""

    def __init__(self, view: KernelView, symbol: KernelSymbol, entry: Entry, site: Site) -> None:
        """Prepare to follow one function."""
        self._view = view
        self._symbol = symbol
        self._entry = entry
        self._site = site
        self._stacks = FuncStacks(view)
        self.stack: FuncStack | None = self._stacks.of_function(symbol.address)
        self.winner: Winner | None = None
        """The top of the func_stack, if the function is patched."""
        self.new_func: int | None = None
        """Where the call ends, if it ends in a replacement."""
        self.unswitched: str | None = None
        """What tasks not yet switched run, while the top of the func_stack is in transition."""

    def hops(self) -> tuple[Hop, ...]:
        """Return the links in order; what cannot be read ends the chain with a problem."""
        hops: list[Hop] = []
        with self._view.problems.noting(f"call chain of {self._symbol.name}"):
            hops.extend(self._follow())
        return tuple(hops)

    def _follow(self) -> Iterator[Hop]:
        target = self._site.target
        armed = self._site.state is SiteState.ARMED and target is not None
        yield self._site_hop(armed)
        if armed and target is not None:
            yield from self._to_trampoline(target)
        if self.stack is not None:
            record = self._view.record_of(self._symbol)
            yield from self._klp_hops(self.stack, record.ip if record else self._site.address)

    # site, stub, trampoline: instruction words

    def _site_hop(self, armed: bool) -> Hop:
        if armed:
            what = "bl" if self._site.is_call else "b"
        elif self._site.state is SiteState.IDLE:
            what = "idle: calls nothing"
        else:
            what = "neither nop nor branch"
        return self._hop(
            "site",
            self._site.address,
            # A patched function whose site is idle is broken: nothing reaches its patch.
            ok=armed if self.stack is not None else self._site.state is not SiteState.UNKNOWN,
            words=(self._site.word,),
            what=what,
            next_=self._site.target,
        )

    def _to_trampoline(self, target: int) -> Iterator[Hop]:
        name = self._trampoline_at(target)
        if name is None:
            stub_hop, target_or_none = self._stub_hop(target)
            yield stub_hop
            if target_or_none is None:
                return
            name = self._trampoline_at(target_or_none)
            target = target_or_none
        if name is None:
            yield self._hop(
                "trampoline",
                target,
                ok=False,
                words=self._view.words(target, 1),
                what="neither ftrace_caller nor ftrace_regs_caller",
                next_=None,
            )
            return
        yield from self._trampoline_hops(target, name)

    def _trampoline_at(self, address: int) -> str | None:
        return next(
            (
                name
                for name in _TRAMPOLINES
                if any(symbol.address == address for symbol in self._view.symbols.named(name))
            ),
            None,
        )

    def _stub_hop(self, address: int) -> tuple[Hop, int | None]:
        words = self._view.words(address, STUB_ENTRY_SIZE // 4)
        stub = decode_stub(words, address)
        target = stub_target(
            stub,
            words,
            r2=None,
            kernel_toc=self._view.kernel_toc,
            load=self._view.prog.read_u64,
        )
        what, ok = self._judge_stub(stub, target)
        hop = self._hop(
            "stub", address, ok=ok, words=words[: max(1, stub.length // 4)], what=what, next_=target
        )
        return hop, target

    def _judge_stub(self, stub: Stub, target: int | None) -> tuple[str, bool]:
        """Say what a stub is and whether the caller's r2 harms it."""
        owner = self._stub_owner(stub.address)
        if stub.needs == "r2":
            leaf = self._entry.toc_setup is TocSetup.NONE
            reads = f"{owner}; finds its target through r2"
            if leaf:
                return f"{reads}, which here is still the caller's", False
            return f"{reads}, which this function has set", True
        if target is None:
            return f"{owner}; its target cannot be told ({stub.kind.value})", False
        if stub.needs == "kernel-toc":
            what = f"{owner}; target from the paca's kernel TOC, needs no r2"
        else:
            what = f"{owner}; needs no r2"
        disagreement = self._funcdata_disagreement(stub.address, target)
        return (what, True) if disagreement is None else (f"{what}; {disagreement}", False)

    def _stub_owner(self, address: int) -> str:
        for module in self._view.modules:
            member = module_ftrace_stubs(module).get(address)
            if member is not None:
                name = module.name.string_().decode("ascii", "backslashreplace")
                return f"{name}'s ftrace stub (mod->arch.{member})"
        return self._view.symbols.format(address) or "a stub without a symbol"

    def _funcdata_disagreement(self, address: int, target: int) -> str | None:
        """Check a module's stub against its own data; None where it has none or agrees."""
        if not any(address in module_ftrace_stubs(module) for module in self._view.modules):
            return None
        prog = self._view.prog
        magic = prog.read_u32(address + MAGIC_OFFSET)
        if magic != STUB_MAGIC:
            return f"its magic is {magic:#x}, not {STUB_MAGIC:#x}"
        funcdata = prog.read_u64(address + FUNCDATA_OFFSET)
        if funcdata != target:
            return f"its funcdata says {funcdata:#x}"
        return None

    def _trampoline_hops(self, address: int, name: str) -> Iterator[Hop]:
        labels = self._view.symbols.named(_TRAMPOLINES[name])
        call = labels[0].address if labels else None
        yield self._hop(
            "trampoline",
            address,
            ok=True,
            words=self._view.words(address, 1),
            what="saves the registers and calls",
            next_=call,
        )
        if call is None:
            return
        word = self._view.words(call, 1)[0]
        callee = branch_target(word, call)
        symbol = self._view.symbols.covering(callee) if callee is not None else None
        called = symbol.name if symbol is not None else "something without a symbol"
        if called in _DISPATCHERS:
            what, ok = f"calls {called}, which calls every ops on ftrace_ops_list", True
        elif symbol is not None and symbol.address == self._stacks.handler:
            what, ok = f"calls {called} directly: the only ops", True
        else:
            what, ok = f"calls {called}", self.stack is None
        yield self._hop("dispatch", call, ok=ok, words=(word,), what=what, next_=callee)

    # ops, handler, winner, replacement: data

    def _klp_hops(self, stack: FuncStack, ip: int) -> Iterator[Hop]:
        fops = stack.ops.fops
        handler = fops.func.value_()
        wrong = self._fops_disagreement(fops, ip)
        flags = " ".join(self._view.ops_flags.of(fops.flags.value_()))
        yield self._data_hop(
            "ops",
            fops.address_,
            handler,
            ok=wrong is None,
            what=wrong or f"{flags}; hash: this function",
        )
        is_handler = handler == self._stacks.handler
        yield self._hop(
            "handler",
            handler,
            ok=is_handler,
            words=self._view.words(handler, 1),
            what="calls the top of the func_stack"
            if is_handler
            else "not klp_ftrace_handler: the original runs",
            next_=stack.funcs[0].value_() if is_handler else None,
        )
        if is_handler:
            yield from self._winner_hops(stack)

    def _fops_disagreement(self, fops: Object, ip: int) -> str | None:
        address = fops.address_
        if not any(ops.value_() == address for ops in for_each_ftrace_ops(self._view.prog)):
            return "not on ftrace_ops_list: never called"
        if not fops.flags.value_() & self._view.ops_flags["ENABLED"]:
            return "on ftrace_ops_list but not ENABLED"
        if not ftrace_ops_test(fops, ip):
            return f"its filter hash lacks this site ({Address(ip)})"
        return None

    def _below(self, stack: FuncStack) -> str:
        """Name what the entry below the top of a func_stack runs."""
        if len(stack.funcs) > 1 and not klp_func_nop(stack.funcs[1]):
            new_func = stack.funcs[1].new_func.value_()
            return self._view.symbols.format(new_func) or str(Address(new_func))
        return f"{self._symbol.name} itself"

    def _winner_hops(self, stack: FuncStack) -> Iterator[Hop]:
        func = stack.funcs[0]
        if func.transition:
            self.unswitched = self._below(stack)
        new_func = func.new_func.value_()
        name = klp_patch_name(klp_func_patch(func))
        symbol = self._view.symbols.covering(new_func)
        known = symbol is not None and symbol.address == new_func
        self.winner = Winner(
            name, Address(new_func), self._view.symbols.format(new_func) if symbol else None
        )
        if klp_func_nop(func):
            what = f"{name}: a nop of an atomic replace; the original runs"
            yield self._data_hop("winner", func.value_(), new_func, ok=True, what=what)
            return
        if func.transition:
            what = f"{name}, in transition: tasks not yet switched run the version below it"
        else:
            what = f"top of the func_stack: {symbol.name if symbol else 'no symbol'} of {name}"
        yield self._data_hop("winner", func.value_(), new_func, ok=known, what=what)
        self.new_func = new_func
        try:
            words = self._view.words(new_func, 1)
        except FaultError as fault:
            self._view.problems.add(f"replacement at {Address(new_func)}", str(fault))
            yield self._hop(
                "replacement", new_func, ok=False, words=(), what="cannot be read", next_=None
            )
            return
        what = "global entry point" if known else "not the beginning of any function"
        yield self._hop("replacement", new_func, ok=known, words=words, what=what, next_=None)

    # how a hop is made

    def _hop(
        self,
        kind: HopKind,
        address: int,
        *,
        ok: bool,
        words: tuple[int, ...],
        what: str,
        next_: int | None,
    ) -> Hop:
        return Hop(
            kind=kind,
            address=Address(address),
            symbol=self._view.symbols.format(address),
            ok=ok,
            bytes=" ".join(Word(word).bare for word in words),
            what=what,
            next=Address(next_) if next_ is not None else None,
        )

    def _data_hop(self, kind: HopKind, address: int, value: int, *, ok: bool, what: str) -> Hop:
        return Hop(
            kind=kind,
            address=Address(address),
            symbol=self._view.symbols.format(address),
            ok=ok,
            bytes=Address(value).bare,
            what=what,
            next=Address(value),
        )
