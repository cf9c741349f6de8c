# SPDX-License-Identifier: GPL-2.0-or-later
"""
The audit of records: whether each says what the registered ftrace_ops ask for.

Source: ``__ftrace_hash_rec_update()``, ``ftrace_check_record()`` and ``update_ftrace_function()``
in kernel/trace/ftrace.c, ``powerpc_rec_get_ops()`` in arch/powerpc/kernel/trace/ftrace.c.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from drgn import Object

from klp_debug.analysis import catalogue
from klp_debug.analysis.audit.disarmed import DisarmedFunctions
from klp_debug.analysis.audit.sites import ARMED, Mask, Sites
from klp_debug.analysis.patches.func_stacks import FuncStacks
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.kernel.ftrace import OPS_POINTER_OFFSET
from klp_debug.kernel.ftrace_ops import for_each_ftrace_ops, ftrace_ops_filter
from klp_debug.kernel.ftrace_symbols import CALL_LABELS
from klp_debug.ppc64le.entry import local_entry_offset
from klp_debug.ppc64le.instruction import branch_target
from klp_debug.result.address import Address, Word
from klp_debug.result.common import Finding

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
    ops: list[Object] = field(default_factory=list)

    @classmethod
    def by(cls, view: KernelView, sites: Sites) -> "Wanted | None":
        """Ask every registered ops; None, and a problem, if one of them cannot be read."""
        size = len(sites)
        wanted = cls(
            count=np.zeros(size, np.int64),
            regs=np.zeros(size, np.bool_),
            ipmodify=np.zeros(size, np.bool_),
            direct=np.zeros(size, np.bool_),
            trampoline=np.zeros(size, np.bool_),
            last=np.zeros(size, np.uint64),
        )
        with view.problems.noting("ftrace_ops_list"):
            for ops in for_each_ftrace_ops(view.prog):
                flags = ops.flags.value_()
                wanted.ops.append(ops)
                if not flags & view.ops_flags["ENABLED"]:
                    continue
                chosen = ftrace_ops_filter(ops).wants(sites.ips)
                wanted.count += chosen
                wanted.last[chosen] = ops.value_()
                if flags & view.ops_flags["SAVE_REGS"]:
                    wanted.regs |= chosen
                if flags & view.ops_flags["IPMODIFY"]:
                    wanted.ipmodify |= chosen
                if flags & view.ops_flags["DIRECT"]:
                    wanted.direct |= chosen
                if ops.trampoline.value_():
                    wanted.trampoline |= chosen
            return wanted
        return None


def ops_findings(view: KernelView, sites: Sites, disarmed: DisarmedFunctions) -> Iterator[Finding]:
    """Compare records, and pointers to ops, with the registered ops."""
    wanted = Wanted.by(view, sites)
    if wanted is None:
        return
    yield from _callbacks(view, wanted, disarmed)
    yield from dispatcher_findings(view)
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
    kept &= ~wrong_count & agree
    wrong_flags = _wrong_flags(sites, wanted, kept)
    yield from _flags(sites, wanted, wrong_flags)
    if view.call_ops:
        # A pointer is judged by its record, so by one without a wrong flag only.
        kept &= ~np.logical_or.reduce(list(wrong_flags.values()))
        yield from _pointers(view, sites, wanted, kept)


def _wrong_flags(sites: Sites, wanted: Wanted, kept: Mask) -> dict[str, Mask]:
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
    # armed, MODIFIED on one that was armed for IPMODIFY or DIRECT. So an idle record may have them,
    # and MODIFIED without TOUCHED is wrong anywhere.
    touched = sites.flagged("TOUCHED")
    if sites.has_flag("TOUCHED"):
        wrong["TOUCHED"] = kept & enabled & ~touched
        changed = enabled & (sites.flagged("IPMODIFY") | sites.flagged("DIRECT"))
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


def _callbacks(view: KernelView, wanted: Wanted, disarmed: DisarmedFunctions) -> Iterator[Finding]:
    """Check that each ops calls the beginning of a function; a live patch's, livepatch's own."""
    astray: set[int] = set()
    if view.has_livepatch:
        stacks = FuncStacks(view)
        astray = {s.ops.fops.address_ for s in stacks.all() if not stacks.calls_handler(s)}
    for ops in wanted.ops:
        if ops.value_() in disarmed.ops:
            continue
        func = ops.func.value_()
        symbol = view.symbols.covering(func)
        if symbol is None or symbol.address != func or not symbol.is_function:
            wrong = ""
        elif ops.value_() in astray:
            wrong = ", not klp_ftrace_handler: the original runs"
        else:
            continue
        yield catalogue.OPS_WRONG_CALLBACK.on(
            f"ftrace_ops {_named(view, ops.value_())}", f"func is {_named(view, func)}{wrong}"
        )


def dispatcher_findings(view: KernelView) -> Iterator[Finding]:
    """Iterate over findings of whom the trampolines call, in a kernel without CALL_OPS."""
    if view.call_ops:
        return
    with view.problems.noting("ftrace_trace_function"):
        if view.prog["ftrace_disabled"].value_():
            return  # ftrace_kill() sets ftrace_trace_function alone, the trampolines stay
        func = view.prog["ftrace_trace_function"].value_()
        symbol = view.symbols.covering(func)
        entry = func + (local_entry_offset(symbol.st_other) if symbol is not None else 0)
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
    return f"{Address(address)} ({symbol})" if symbol else str(Address(address))
