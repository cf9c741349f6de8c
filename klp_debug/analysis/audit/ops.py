# SPDX-License-Identifier: GPL-2.0-or-later
"""
The audit of records: whether each says what the registered ftrace_ops ask for.

Source: ``__ftrace_hash_rec_update()``, ``ftrace_check_record()`` and ``update_ftrace_function()``
in kernel/trace/ftrace.c, ``powerpc_rec_get_ops()`` in arch/powerpc/kernel/trace/ftrace.c.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from drgn import Object

from klp_debug.analysis import catalogue
from klp_debug.analysis.audit.disarmed import DisarmedFunctions
from klp_debug.analysis.audit.sites import ARMED, Mask, Sites
from klp_debug.analysis.audit.unchecked import unchecked
from klp_debug.analysis.patches.disarmed import ftrace_stub
from klp_debug.analysis.patches.func_stacks import FuncStacks
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.analysis.view.walked import Walked
from klp_debug.kernel.ftrace import OPS_POINTER_OFFSET
from klp_debug.kernel.ftrace_ops import for_each_ftrace_ops, ftrace_ops_filter
from klp_debug.kernel.ftrace_symbols import CALL_LABELS, KLP_FTRACE_HANDLER
from klp_debug.kernel.symbols import KernelSymbol
from klp_debug.ppc64le.entry import local_entry_offset
from klp_debug.ppc64le.instruction import branch_target
from klp_debug.result.address import Address, Word
from klp_debug.result.common import Finding
from klp_debug.result.unknown import Unknown, first_unknown

_PAIRS = ("REGS", "TRAMP", "DIRECT", "CALL_OPS")
"""Flags that say what is wanted; the same with ``_EN`` says what the site does."""


@dataclass(slots=True, kw_only=True)
class Wanted:
    """What the registered ops ask of each site; every array has shape (number of sites,)."""

    count: npt.NDArray[np.int64]
    regs: Mask
    ipmodify: Mask
    direct: Mask
    trampoline: Mask
    """Whether one of them has a trampoline of its own."""
    last: npt.NDArray[np.uint64]
    """Address of an ops that wants the site: where ``count`` is 1, the only one."""

    @classmethod
    def by(cls, view: KernelView, sites: Sites, registered: Walked[Object]) -> "Wanted | Unknown":
        """
        Ask every registered ops; Unknown if one of them cannot be read.

        :param registered: ``struct ftrace_ops *`` each
        """
        size = len(sites)
        wanted = cls(
            count=np.zeros(size, np.int64),
            regs=np.zeros(size, np.bool_),
            ipmodify=np.zeros(size, np.bool_),
            direct=np.zeros(size, np.bool_),
            trampoline=np.zeros(size, np.bool_),
            last=np.zeros(size, np.uint64),
        )
        missing: list[object] = [registered.missing]
        for ops in registered:
            where = f"ftrace_ops {ops.value_():#x}"
            missing.append(view.problems.attempt(where, wanted._add, view, sites, ops))
        unread = first_unknown(missing)
        return wanted if unread is None else unread

    def _add(self, view: KernelView, sites: Sites, ops: Object) -> None:
        flags = ops.flags.value_()
        if not flags & view.ops_flags["ENABLED"]:
            return
        chosen = ftrace_ops_filter(ops).wants(sites.ips)
        has_trampoline = bool(ops.trampoline.value_())
        self.count += chosen
        self.last[chosen] = ops.value_()
        for asked, where in (
            (flags & view.ops_flags["SAVE_REGS"], self.regs),
            (flags & view.ops_flags["IPMODIFY"], self.ipmodify),
            (flags & view.ops_flags["DIRECT"], self.direct),
            (has_trampoline, self.trampoline),
        ):
            if asked:
                where |= chosen


def ops_findings(
    view: KernelView, sites: Sites, disarmed: DisarmedFunctions
) -> Iterator[Finding | Unknown]:
    """Compare records, and pointers to ops, with the registered ops."""
    registered = view.problems.walk("ftrace_ops_list", for_each_ftrace_ops(view.prog))
    yield from _callbacks(view, registered, disarmed)
    yield from dispatcher_findings(view)
    wanted = Wanted.by(view, sites, registered)
    if isinstance(wanted, Unknown):
        yield unchecked("what records say of their ftrace_ops", wanted)
        return
    # skip_record(): nobody keeps the books of a disabled record.
    kept = ~sites.flagged("DISABLED") | sites.flagged("ENABLED")
    wrong_count = kept & (sites.users != wanted.count)
    for index in np.flatnonzero(wrong_count).tolist():
        yield catalogue.OPS_COUNT_MISMATCH.on(
            sites.name(index),
            f"its record counts {sites.users[index]}, {wanted.count[index]} ops want it",
        )
    # Where the word and ENABLED disagree is told already, as a mismatch of site and record.
    agree = sites.flagged("ENABLED") == (sites.states == ARMED)
    kept &= ~wrong_count & agree & sites.state_known
    wrong_flags = _wrong_flags(sites, wanted, kept, call_ops=view.call_ops)
    yield from _flags(sites, wanted, wrong_flags)
    if view.call_ops:
        # A pointer is judged by its record, so by one without a wrong flag only.
        kept &= ~np.logical_or.reduce(list(wrong_flags.values()))
        yield from _pointers(view, sites, wanted, kept)


def _wrong_flags(sites: Sites, wanted: Wanted, kept: Mask, *, call_ops: bool) -> dict[str, Mask]:
    """Return name of a flag -> where it is wrong; each but DISABLED, which nothing asks for."""
    # What is noted in a record as soon as an ops is enabled or its filter changes, before any site
    # is written: by __ftrace_hash_rec_update(), and IPMODIFY by __ftrace_hash_update_ipmodify().
    expected = {
        "REGS": wanted.regs,
        "IPMODIFY": wanted.ipmodify,
        "DIRECT": wanted.direct,
        # powerpc makes none; register_ftrace_direct() notes FTRACE_REGS_ADDR as one.
        "TRAMP": wanted.trampoline & (wanted.count == 1),
    }
    wrong = {name: kept & (sites.flagged(name) != is_set) for name, is_set in expected.items()}
    enabled = sites.flagged("ENABLED")
    # ftrace_hash_move() takes a site out of a filter while test_rec_ops_needs_regs() still finds it
    # there, so REGS can outlive the last ops that asked for it: seen with kprobes, Linux 7.2.
    wrong["REGS"] &= wanted.regs | ~enabled
    # What ftrace_check_record() notes when the site is written: X_EN follows X in a record that is
    # ENABLED, and is cleared together with ENABLED.
    one_user = wanted.count == 1
    for name in _PAIRS:
        now = sites.flagged(f"{name}_EN")
        wrong[f"{name}_EN"] = kept & now & ~enabled
        # Direct calls and calls by one ops are made only where that ops is alone.
        alone = one_user | (name not in ("DIRECT", "CALL_OPS"))
        wrong[f"{name}_EN"] |= kept & enabled & (now != (sites.flagged(name) & alone))
    # Not the other way round: while the sysctl ftrace_enabled is 0, a wanted site stays idle.
    wrong["ENABLED"] = kept & enabled & (wanted.count == 0)
    # Both stay when the last ops goes (FTRACE_NOCLEAR_FLAGS): TOUCHED on a site that was ever
    # armed, MODIFIED on one that was written for IPMODIFY or DIRECT. So an idle record may have
    # them, and MODIFIED without TOUCHED is wrong anywhere. Where others are on the site already, it
    # need not be written; only with CALL_OPS it is for whoever is alone.
    touched = sites.flagged("TOUCHED")
    if sites.has_flag("TOUCHED"):
        wrong["TOUCHED"] = kept & enabled & ~touched
        alone = enabled & one_user & call_ops
        changed = alone & (sites.flagged("IPMODIFY") | sites.flagged("DIRECT"))
        wrong["MODIFIED"] = kept & np.where(
            sites.flagged("MODIFIED"), ~touched, changed & sites.has_flag("MODIFIED")
        )
    return wrong


def _flags(sites: Sites, wanted: Wanted, wrong: dict[str, Mask]) -> Iterator[Finding]:
    for index in np.flatnonzero(np.logical_or.reduce(list(wrong.values()))).tolist():
        # The first one only: what is wrong with REGS is wrong with REGS_EN too.
        name = next(name for name, where in wrong.items() if where[index])
        is_set = "is set" if sites.flagged(name)[index] else "is not set"
        yield catalogue.RECORD_FLAGS_MISMATCH.on(
            sites.name(index),
            f"dyn_ftrace at {Address(sites.records[index].address)}: {name} {is_set}; it has"
            f" {sites.flag_names(index)}, and {wanted.count[index]} ops want it",
        )


def _pointers(view: KernelView, sites: Sites, wanted: Wanted, kept: Mask) -> Iterator[Finding]:
    """Check the ops that each out-of-line stub points to."""
    nop, listed = (
        np.uint64(view.symbols.named(name, "vmlinux")[0].address)
        for name in ("ftrace_nop_ops", "ftrace_list_ops")
    )
    alone = sites.flagged("CALL_OPS_EN") & (wanted.count == 1)
    expected = np.where(sites.flagged("ENABLED"), np.where(alone, wanted.last, listed), nop)
    wrong = kept & sites.ool_read & (sites.ool_ops != expected)
    for index in np.flatnonzero(wrong).tolist():
        at = int(sites.records.ool_stubs[index]) + OPS_POINTER_OFFSET
        yield catalogue.SITE_WRONG_OPS.on(
            sites.name(index),
            f"{Address(at)} holds {_named(view, int(sites.ool_ops[index]))},"
            f" not {_named(view, int(expected[index]))}",
        )


def _callbacks(
    view: KernelView, registered: Walked[Object], disarmed: DisarmedFunctions
) -> Iterator[Finding | Unknown]:
    """Check that each ops calls the beginning of a function; a live patch's, livepatch's own."""
    patches = _PatchesOps(view)
    for ops in registered:
        if ops.value_() in disarmed.ops:
            continue
        where = f"ftrace_ops {ops.value_():#x}"
        wrong = view.problems.attempt(where, _wrong_callback, view, patches, ops)
        # What a debugger holds is told as that.
        if isinstance(wrong, str) and wrong and disarmed.missing is not None:
            wrong = disarmed.missing
        if isinstance(wrong, Unknown):
            yield unchecked(f"callback of {where}", wrong)
        elif wrong is not None:
            func = ops.func.value_()
            yield catalogue.OPS_WRONG_CALLBACK.on(
                f"ftrace_ops {_named(view, ops.value_())}", f"func is {_named(view, func)}{wrong}"
            )
    if registered.missing is not None:
        yield registered.missing


class _PatchesOps:
    """The ftrace_ops of live patches, and whether they call livepatch."""

    def __init__(self, view: KernelView) -> None:
        self._view = view
        self._calls: dict[int, bool | Unknown] = {}
        """Address of an ops -> whether it calls ``klp_ftrace_handler``."""
        self._missing: Unknown | None = None
        if view.has_livepatch:
            stacks = view.once(FuncStacks)
            self._missing = stacks.all.missing
            for stack in stacks.all:
                where = f"klp_ops {stack.ops.value_():#x}"
                calls = view.problems.attempt(where, stacks.calls_handler, stack)
                self._calls[stack.ops.fops.address_] = calls

    def astray(self, ops: Object, callback: KernelSymbol) -> bool | Unknown:
        """Return whether an ops is a live patch's but does not call livepatch."""
        calls = self._calls.get(ops.value_())
        if calls is not None:
            return calls if isinstance(calls, Unknown) else not calls
        # All of livepatch's ops have IPMODIFY.
        may_be = ops.flags.value_() & self._view.ops_flags["IPMODIFY"]
        if self._missing is None or not may_be or callback.name == KLP_FTRACE_HANDLER:
            return False
        return self._missing


def _wrong_callback(view: KernelView, patches: _PatchesOps, ops: Object) -> str | Unknown | None:
    """
    Say what is wrong with the callback of an ops, other than that it is no function.

    :return: empty if it is no function; None if nothing is wrong
    """
    func = ops.func.value_()
    symbol = view.symbols.covering(func)
    if isinstance(symbol, Unknown):
        return symbol
    if symbol is None or symbol.address != func or not symbol.is_function:
        return ""
    astray = patches.astray(ops, symbol)
    if isinstance(astray, Unknown):
        return astray
    return ", not klp_ftrace_handler: the original runs" if astray else None


def dispatcher_findings(view: KernelView) -> Iterator[Finding | Unknown]:
    """Iterate over findings of whom the trampolines call, in a kernel without CALL_OPS."""
    if view.has_ftrace and not view.call_ops:
        yield from view.problems.walk("ftrace_trace_function", _dispatchers(view)).listed


def _dispatchers(view: KernelView) -> Iterator[Finding | Unknown]:
    if view.prog["ftrace_disabled"].value_():
        return  # ftrace_kill() sets ftrace_trace_function alone, the trampolines stay
    func = view.prog["ftrace_trace_function"].value_()
    if func == ftrace_stub(view):
        return  # kernel.ftrace_enabled = 0 sets it alone, too, and no site calls a trampoline then
    symbol = view.symbols.covering(func)
    entry = func
    if isinstance(symbol, KernelSymbol):
        try:
            entry += local_entry_offset(symbol.st_other)
        except ValueError as error:
            symbol = Unknown(f"{symbol.name}: {error}")
    if isinstance(symbol, Unknown):
        yield unchecked("ftrace_trace_function", symbol)
        return
    for label in CALL_LABELS:
        for call in view.symbols.named(label, "vmlinux"):
            (word,) = view.words(call.address, 1)
            target = branch_target(word, call.address)
            if target != entry:
                goes = "no branch" if target is None else f"to {_named(view, target)}"
                yield catalogue.TRAMPOLINE_WRONG_CALL.on(
                    label,
                    f"{Address(call.address)} holds {Word(word)}, {goes};"
                    f" ftrace_trace_function is {_named(view, func)}",
                )


def _named(view: KernelView, address: int) -> str:
    symbol = view.symbols.format(address)
    if symbol is None:
        return str(Address(address))
    return f"{Address(address)} ({symbol if isinstance(symbol, str) else 'its symbol is unknown'})"
