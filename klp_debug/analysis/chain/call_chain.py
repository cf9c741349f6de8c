# SPDX-License-Identifier: GPL-2.0-or-later
"""
The call chain of one function, each link checked against the next.

the way from the site into ftrace (:mod:`klp_debug.analysis.chain.site_path`) -> ftrace_ops ->
klp_ftrace_handler -> top of the func_stack -> replacement function
"""

from collections.abc import Iterator

import numpy as np
from drgn import FaultError, Object

from klp_debug.analysis.chain.links import data_hop, text_hop
from klp_debug.analysis.chain.site_path import PatchedSite, SitePath
from klp_debug.analysis.chain.stubs import Stubs
from klp_debug.analysis.patches.disarmed import disarmed_by, ftrace_stub, redirected_to
from klp_debug.analysis.patches.func_stacks import FuncStack, FuncStacks
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.kernel.ftrace_ops import for_each_ftrace_ops, ftrace_ops_filter
from klp_debug.kernel.livepatch import klp_func_nop, klp_func_patch, klp_patch_name
from klp_debug.kernel.symbols import KernelSymbol
from klp_debug.ppc64le.entry import Entry, TocSetup
from klp_debug.ppc64le.site import Site
from klp_debug.result.address import Address
from klp_debug.result.function import Hop, Winner


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
        self.disarmed: str | None = None
        """How a debugger holds the function disarmed, and which patch: ``leaf_patch (ops)``."""
        self.redirected = False
        """Whether that is by the version of another patch; else the original runs."""

    def hops(self) -> tuple[Hop, ...]:
        """Return the links in order; what cannot be read ends the chain with a problem."""
        hops: list[Hop] = []
        with self._view.problems.noting(f"call chain of {self._symbol.name}"):
            hops.extend(self._follow())
        return tuple(hops)

    def _follow(self) -> Iterator[Hop]:
        record = self._view.record_of(self._symbol)
        patched = None
        if self.stack is not None:
            if mechanism := disarmed_by(self._view, self.stack, 0):
                name = klp_patch_name(klp_func_patch(self.stack.funcs[0]))
                self.disarmed = f"{name} ({mechanism})"
                self.redirected = mechanism == "redirect"
            fops = self.stack.ops.fops.address_of_()
            patched = PatchedSite(fops, self._stacks.handler)
        yield from SitePath(
            self._view,
            Stubs(self._view),
            self._site,
            record,
            leaf=self._entry.toc_setup is TocSetup.NONE,
            patched=patched,
        ).hops()
        if self.stack is not None:
            yield from self._klp_hops(self.stack, record.ip if record else self._site.address)

    # ops, handler, winner, replacement: data

    def _klp_hops(self, stack: FuncStack, ip: int) -> Iterator[Hop]:
        fops = stack.ops.fops
        handler = fops.func.value_()
        wrong = self._fops_disagreement(fops, ip)
        flags = " ".join(self._view.ops_flags.of(fops.flags.value_()))
        yield data_hop(
            self._view,
            "ops",
            fops.address_,
            handler,
            ok=wrong is None,
            what=wrong or f"{flags}; hash: this function",
        )
        is_handler = handler == self._stacks.handler
        yield text_hop(
            self._view,
            "handler",
            handler,
            self._view.words(handler, 1),
            ok=is_handler,
            what=self._handler_facts(handler),
            next_=stack.funcs[0].value_() if is_handler else None,
        )
        if is_handler:
            yield from self._winner_hops(stack)

    def _handler_facts(self, handler: int) -> str:
        if handler == self._stacks.handler:
            return "calls the top of the func_stack"
        if handler == ftrace_stub(self._view):
            return "does nothing: a debugger holds the function disarmed, and the original runs"
        return "not klp_ftrace_handler: the original runs"

    def _fops_disagreement(self, fops: Object, ip: int) -> str | None:
        address = fops.address_
        if not any(ops.value_() == address for ops in for_each_ftrace_ops(self._view.prog)):
            return "not on ftrace_ops_list: never called"
        if not fops.flags.value_() & self._view.ops_flags["ENABLED"]:
            return "on ftrace_ops_list but not ENABLED"
        if not ftrace_ops_filter(fops).wants(np.array([ip], np.uint64)).all():
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
            made_by = "a debugger set nop" if self.disarmed else "a nop of an atomic replace"
            what = f"{name}: {made_by}; the original runs"
            yield data_hop(self._view, "winner", func.value_(), new_func, ok=True, what=what)
            return
        if func.transition:
            what = f"{name}, in transition: tasks not yet switched run the version below it"
        elif (below := redirected_to(stack, 0)) is not None:
            other = klp_patch_name(klp_func_patch(below))
            what = f"{name}, which a debugger redirects to the version of {other} below it"
        else:
            what = f"top of the func_stack: {symbol.name if symbol else 'no symbol'} of {name}"
        yield data_hop(self._view, "winner", func.value_(), new_func, ok=known, what=what)
        self.new_func = new_func
        try:
            words = self._view.words(new_func, 1)
        except FaultError as fault:
            self._view.problems.add(f"replacement at {Address(new_func)}", str(fault))
            yield text_hop(
                self._view, "replacement", new_func, (), ok=False, what="cannot be read", next_=None
            )
            return
        what = "global entry point" if known else "not the beginning of any function"
        yield text_hop(self._view, "replacement", new_func, words, ok=known, what=what, next_=None)
