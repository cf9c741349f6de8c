# SPDX-License-Identifier: GPL-2.0-or-later
"""
The call chain of one function, each link checked against the next.

the way from the site into ftrace (:mod:`klp_debug.analysis.chain.site_path`) -> ftrace_ops ->
klp_ftrace_handler -> top of the func_stack -> replacement function
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from drgn import Object

from klp_debug.analysis.chain.links import Judgement, data_hop, text_hop, word_at
from klp_debug.analysis.chain.site_path import PatchedSite, follow_site
from klp_debug.analysis.chain.stubs import Stubs
from klp_debug.analysis.patches.disarmed import (
    disarmed_by,
    ftrace_stub,
    redirected_to,
    stack_idle_by_kernel,
)
from klp_debug.analysis.patches.func_stacks import FuncStack, FuncStacks
from klp_debug.analysis.patches.under_way import (
    UnderWay,
    of_func_in_transition,
    transition_under_way,
)
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.kernel.ftrace import FtraceRecord
from klp_debug.kernel.ftrace_ops import for_each_ftrace_ops, ftrace_ops_filter
from klp_debug.kernel.livepatch import klp_func_nop, klp_func_patch, klp_patch_name
from klp_debug.kernel.symbols import KernelSymbol
from klp_debug.ppc64le.entry import Entry, TocSetup
from klp_debug.ppc64le.site import Site
from klp_debug.result.address import Address
from klp_debug.result.func import Hop, Winner
from klp_debug.result.list import Mechanism, Tasks
from klp_debug.result.unknown import Unknown, first_unknown


@dataclass(frozen=True, slots=True)
class OtherTasks:
    """What some tasks run while a function is in transition."""

    tasks: Tasks
    runs: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """What a function runs, from its mcount site to the end, as far as it could be followed."""

    hops: tuple[Hop | Unknown, ...]
    """The links in order, up to the one that cannot be read."""
    patched: bool | Unknown
    """Whether a func_stack of livepatch has the function."""
    winner: Winner | Unknown | None
    """The top of the func_stack."""
    new_func: int | Unknown | None
    """Where the call ends, if it ends in a replacement."""
    below: OtherTasks | Unknown | None
    """What some tasks run instead, while the top of the func_stack is in transition."""
    disarmed: str | Unknown | None
    """How a debugger holds the function disarmed, and which patch: ``leaf_patch (ops)``."""
    redirected: bool
    """Whether that is by the version of another patch; else the original runs."""
    idle_by_kernel: bool | Unknown
    """Whether ftrace itself holds the site idle, as ``kernel.ftrace_enabled`` = 0 makes it."""


def follow_chain(view: KernelView, symbol: KernelSymbol, entry: Entry, site: Site) -> Chain:
    """
    Follow a function from its mcount site to what runs in the end.

    What cannot be read ends the chain, with a problem of the view.
    """
    return _Follower(view, symbol, entry, site).chain()


class _Follower:
    """Follows one function; what the links tell is noted on the way."""

    def __init__(self, view: KernelView, symbol: KernelSymbol, entry: Entry, site: Site) -> None:
        self._view = view
        self._symbol = symbol
        self._leaf = entry.toc_setup is TocSetup.NONE
        self._site = site
        self._record = view.record_of(symbol)
        self._stacks = view.once(FuncStacks)
        self._stack = self._stacks.of_function(symbol.address)
        self._winner: Winner | None = None
        self._new_func: int | None = None
        self._below: OtherTasks | Unknown | None = None

    def chain(self) -> Chain:
        disarmed = self._disarmed
        held = disarmed.label if isinstance(disarmed, _Disarmed) else disarmed
        walked = self._view.problems.walk(f"call chain of {self._symbol.name}", self._hops())
        # What was not reached is not known either, unless there is no patch to lead there.
        missing = walked.missing
        if missing is None:
            missing = first_unknown((self._stack, *walked))
        cut = missing if self._stack is not None else None
        return Chain(
            hops=walked.listed,
            patched=self._stack if isinstance(self._stack, Unknown) else self._stack is not None,
            winner=self._winner if self._winner is not None else cut,
            new_func=self._new_func if self._new_func is not None else cut,
            below=self._below if self._winner is not None else cut,
            disarmed=held,
            redirected=isinstance(disarmed, _Disarmed) and disarmed.mechanism == "redirect",
            idle_by_kernel=self._idle_by_kernel(),
        )

    def _hops(self) -> Iterator[Hop | Unknown]:
        view, stack, stacks = self._view, self._stack, self._stacks
        record = self._record if isinstance(self._record, FtraceRecord) else None
        path = follow_site(
            view,
            view.once(Stubs),
            self._site,
            record,
            leaf=self._leaf,
            patched=self._patched_site(),
        )
        yield from path.hops
        if path.stopped is not None:
            yield path.stopped
        elif isinstance(stack, Unknown):
            yield stack
        elif stack is not None:
            links = _PatchLinks(view, self._symbol, stack, stacks.handler)
            yield links.ops(record.ip if record is not None else self._site.address)
            yield links.handler()
            if links.calls_handler:
                yield from self._behind_the_handler(links, stack)

    def _behind_the_handler(self, links: "_PatchLinks", stack: FuncStack) -> Iterator[Hop]:
        below = links.below()
        winner = links.winner()
        nop = klp_func_nop(stack.funcs[0])
        hop = links.top(winner, nop=nop, disarmed=isinstance(self._disarmed, _Disarmed))
        self._below, self._winner = below, winner
        yield hop
        if not nop:
            self._new_func = int(winner.new_func)
            yield links.replacement(self._new_func)

    def _patched_site(self) -> PatchedSite | Unknown | None:
        if not isinstance(self._stack, FuncStack):
            return self._stack
        return PatchedSite(self._stack.ops.fops.address_of_(), self._stacks.handler)

    def _idle_by_kernel(self) -> bool | Unknown:
        stack = self._stack
        if not isinstance(stack, FuncStack):
            return False
        where = f"site of klp_ops {stack.ops.value_():#x}"
        return self._view.problems.attempt(where, stack_idle_by_kernel, self._view, stack)

    @cached_property
    def _disarmed(self) -> "_Disarmed | Unknown | None":
        stack = self._stack
        if not isinstance(stack, FuncStack):
            return stack
        where = f"klp_ops {stack.ops.value_():#x}"
        return self._view.problems.attempt(where, _disarmed, self._view, stack)


@dataclass(frozen=True, slots=True)
class _Disarmed:
    """How a debugger holds the top of a func_stack disarmed."""

    patch: str
    mechanism: Mechanism

    @property
    def label(self) -> str:
        return f"{self.patch} ({self.mechanism})"


def _disarmed(view: KernelView, stack: FuncStack) -> _Disarmed | Unknown | None:
    mechanism = disarmed_by(view, stack, 0)
    if mechanism is None or isinstance(mechanism, Unknown):
        return mechanism
    return _Disarmed(klp_patch_name(klp_func_patch(stack.funcs[0])), mechanism)


class _PatchLinks:
    """The links behind ftrace that livepatch's data makes: ops, handler, winner, replacement."""

    def __init__(
        self, view: KernelView, symbol: KernelSymbol, stack: FuncStack, handler: int | None
    ) -> None:
        """
        Prepare to read the links of one function.

        :param handler: address of ``klp_ftrace_handler``
        """
        self._view = view
        self._symbol = symbol
        self._stack = stack
        self._handler = handler
        self._callback: int = stack.ops.fops.func.value_()
        self.calls_handler = self._callback == handler

    def ops(self, ip: int) -> Hop:
        """
        Return the link of the function's ftrace_ops.

        :param ip: address of the mcount site, which must be in its filter
        """
        fops = self._stack.ops.fops
        wrong = self._fops_disagreement(fops, ip)
        flags = " ".join(self._view.ops_flags.of(fops.flags.value_()))
        judgement = Judgement(wrong or f"{flags}; hash: this function", ok=wrong is None)
        return data_hop(self._view, "ops", fops.address_, self._callback, judgement)

    def handler(self) -> Hop:
        """Return the link of the callback that the ftrace_ops has."""
        if self.calls_handler:
            what = "calls the top of the func_stack"
        elif self._callback == ftrace_stub(self._view):
            what = "does nothing: a debugger holds the function disarmed, and the original runs"
        else:
            what = "not klp_ftrace_handler: the original runs"
        return text_hop(
            self._view,
            "handler",
            self._callback,
            self._view.words(self._callback, 1),
            Judgement(what, ok=self.calls_handler),
            next_=self._stack.funcs[0].value_() if self.calls_handler else None,
        )

    def _fops_disagreement(self, fops: Object, ip: int) -> str | None:
        address = fops.address_
        if not any(ops.value_() == address for ops in for_each_ftrace_ops(self._view.prog)):
            return "not on ftrace_ops_list: never called"
        if not fops.flags.value_() & self._view.ops_flags["ENABLED"]:
            return "on ftrace_ops_list but not ENABLED"
        if not ftrace_ops_filter(fops).wants(np.array([ip], np.uint64)).all():
            return f"its filter hash lacks this site ({Address(ip)})"
        return None

    @cached_property
    def _moving(self) -> UnderWay | Unknown:
        return of_func_in_transition(self._view.once(transition_under_way))

    def below(self) -> OtherTasks | Unknown | None:
        """Return what some tasks run below the top; None if it is in no transition."""
        funcs = self._stack.funcs
        if not funcs[0].transition:
            return None
        if isinstance(self._moving, Unknown):
            return self._moving
        tasks = self._moving.runs_below
        if len(funcs) > 1 and not klp_func_nop(funcs[1]):
            return OtherTasks(tasks, self._view.symbols.label(funcs[1].new_func.value_()))
        if len(funcs) == 1 and self._stack.missing is not None:
            return self._stack.missing
        return OtherTasks(tasks, f"{self._symbol.name} itself")

    def winner(self) -> Winner:
        """Return the top of the func_stack."""
        func = self._stack.funcs[0]
        new_func = func.new_func.value_()
        return Winner(
            klp_patch_name(klp_func_patch(func)),
            Address(new_func),
            self._view.symbols.format(new_func),
        )

    def top(self, winner: Winner, *, nop: bool, disarmed: bool) -> Hop:
        """
        Return the link that the top of the func_stack makes.

        :param nop: whether it sends callers to the original
        :param disarmed: whether a debugger holds it disarmed
        """
        view, func, name = self._view, self._stack.funcs[0], winner.patch
        new_func = int(winner.new_func)
        symbol = view.symbols.covering(new_func)
        if nop:
            made_by = "a debugger set nop" if disarmed else "a nop of an atomic replace"
            judgement = Judgement(f"{name}: {made_by}; the original runs", ok=True)
            return data_hop(view, "winner", func.value_(), new_func, judgement)
        below = redirected_to(view, self._stack, 0)
        begins = _begins(symbol, new_func)
        if func.transition and isinstance(self._moving, Unknown):
            what = f"{name}, in transition: which tasks run the version below it is unknown"
            begins = self._moving
        elif func.transition and isinstance(self._moving, UnderWay):
            tasks = self._moving.runs_below
            what = f"{name}, in transition: tasks {tasks} run the version below it"
        elif isinstance(below, Object):
            other = klp_patch_name(klp_func_patch(below))
            what = f"{name}, which a debugger redirects to the version of {other} below it"
        else:
            what = f"top of the func_stack: {_bare_name(symbol)} of {name}"
        return data_hop(view, "winner", func.value_(), new_func, Judgement(what, begins))

    def replacement(self, new_func: int) -> Hop:
        """Return the last link, the replacement function."""
        words = word_at(self._view, f"replacement at {Address(new_func)}", new_func)
        known = _begins(self._view.symbols.covering(new_func), new_func)
        if isinstance(known, Unknown):
            what = "whether a function begins there is unknown"
        else:
            what = "global entry point" if known else "not the beginning of any function"
        judgement = Judgement(what, ok=known)
        if words == ():
            judgement = judgement.but("nothing is mapped there")
        return text_hop(self._view, "replacement", new_func, words, judgement, next_=None)


def _begins(symbol: KernelSymbol | Unknown | None, address: int) -> bool | Unknown:
    """Return whether a symbol begins at an address."""
    if isinstance(symbol, Unknown):
        return symbol
    return symbol is not None and symbol.address == address


def _bare_name(symbol: KernelSymbol | Unknown | None) -> str:
    if isinstance(symbol, Unknown):
        return "an unknown symbol"
    return "no symbol" if symbol is None else symbol.name
