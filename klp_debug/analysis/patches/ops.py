# SPDX-License-Identifier: GPL-2.0-or-later
"""Every ftrace_ops: who it is, and which of the kernel's mcount sites it is called from."""

from collections.abc import Iterator

import numpy as np
from drgn import Object, container_of

from klp_debug.analysis.patches.func_stacks import FuncStacks
from klp_debug.analysis.patches.holders import Holders
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.analysis.view.walked import Walked
from klp_debug.kernel.ftrace_ops import (
    FtraceFilter,
    for_each_ftrace_ops,
    for_each_ftrace_subops,
    ftrace_direct_functions,
    ftrace_ops_filter,
)
from klp_debug.kernel.livepatch import klp_func_patch, klp_patch_name
from klp_debug.kernel.symbols import KernelSymbol
from klp_debug.result.address import Address
from klp_debug.result.ops import DirectCall, Filter, FtraceOps
from klp_debug.result.site import SiteOps
from klp_debug.result.unknown import Unknown, known

# Callbacks that tell who an ops belongs to; several where the name changed.
_USERS = {
    "klp_ftrace_handler": "livepatch",
    "kprobe_ftrace_handler": "kprobes",
    "function_trace_call": "function tracer",
    "function_args_trace_call": "function tracer",
    "function_stack_trace_call": "function tracer",
    "function_no_repeats_trace_call": "function tracer",
    "function_stack_no_repeats_trace_call": "function tracer",
    "ftrace_graph_func": "function graph tracer",
    "trace_graph_entry": "function graph tracer",
    "trace_graph_entry_args": "function graph tracer",
    "profile_graph_entry": "function profiler",
    "function_profile_call": "function profiler",
    "perf_ftrace_function_call": "perf",
    "call_direct_funcs": "direct calls",
    "stack_trace_call": "stack tracer",
    "fprobe_handler": "fprobe",
    "fprobe_ftrace_entry": "fprobe",
    "fprobe_fgraph_entry": "fprobe",
    "ftrace_pid_func": "a tracer with a PID filter",
}
_BPF_OPS_FUNC = "bpf_tramp_ftrace_ops_func"
"""What an ops of BPF's trampolines has as its ``ops_func``."""


def registered_ops(view: KernelView) -> tuple[FtraceOps | Unknown, ...]:
    """
    Return every ops of ``ftrace_ops_list``, in the order in which they are called.

    Behind an ops come those that it manages. What cannot be read is ``Unknown``, and a problem of
    the view; the rest is returned.
    """
    patches, holders = _PatchesOfOps(view), Holders(view)
    result: list[FtraceOps | Unknown] = []
    walked = view.problems.walk("ftrace_ops_list", for_each_ftrace_ops(view.prog))
    for ops in walked:
        where = f"ftrace_ops {ops.value_():#x}"
        managed = view.problems.walk(f"subops of {where}", for_each_ftrace_subops(ops))
        result.append(view.problems.attempt(where, _describe, view, ops, holders, patches, None))
        result += [
            subops
            if isinstance(subops, Unknown)
            else view.problems.attempt(where, _describe, view, subops, holders, None, ops)
            for subops in managed.listed
        ]
    return (*result, *([walked.missing] if walked.missing is not None else ()))


def registered_ops_at(view: KernelView, ip: int) -> tuple[SiteOps | Unknown, ...]:
    """
    Return every ops that wants a site, in the order in which they are called.

    What cannot be read is ``Unknown``: it may want the site.

    :param ip: of the site's record
    """
    patches, holders = _PatchesOfOps(view), Holders(view)

    def wanting(ops: Object) -> SiteOps | None:
        enabled = ops.flags.value_() & view.ops_flags["ENABLED"]
        if enabled and ftrace_ops_filter(ops).wants(np.array([ip], np.uint64)).all():
            return _site_ops(view, ops, ip, holders, patches)
        return None

    walked = view.problems.walk("ftrace_ops_list", for_each_ftrace_ops(view.prog))
    found = [
        ops
        if isinstance(ops, Unknown)
        else view.problems.attempt(f"ftrace_ops {ops.value_():#x}", wanting, ops)
        for ops in walked.listed
    ]
    return tuple(ops for ops in found if ops is not None)


class _PatchesOfOps:
    """Which patch is on top of the func_stack of an ops."""

    def __init__(self, view: KernelView) -> None:
        self._patches: dict[int, str | Unknown] = {}
        self._missing: Unknown | None = None
        self._ipmodify = view.ops_flags["IPMODIFY"]
        if not view.has_livepatch:
            return
        stacks = view.once(FuncStacks)
        for stack in stacks.all:
            where = f"klp_ops {stack.ops.value_():#x}"
            self._patches[stack.ops.fops.address_] = view.problems.attempt(
                where, lambda func: klp_patch_name(klp_func_patch(func)), stack.funcs[0]
            )
        self._missing = stacks.all.missing

    def of(self, ops: Object) -> str | Unknown | None:
        """
        Return the patch of an ops; None if it is none of livepatch's.

        :raises drgn.FaultError: if the ops cannot be read
        """
        patch = self._patches.get(ops.value_(), self._missing)
        if isinstance(patch, Unknown) and not ops.flags.value_() & self._ipmodify:
            return None  # all of livepatch's have it
        return patch


def _describe(
    view: KernelView,
    ops: Object,
    holders: Holders,
    patches: _PatchesOfOps | None,
    manager: Object | None,
) -> FtraceOps:
    func = _callback(view, ops, managed=manager is not None)
    flags = ops.flags.value_()
    trampoline = ops.trampoline.value_()
    filter_ = ftrace_ops_filter(ops)
    hooked = _hooked(view, flags, filter_)
    user = _user(view, ops, func)
    direct = _direct_calls(view, flags, filter_)
    return FtraceOps(
        address=Address(ops.value_()),
        symbol=_own_symbol(view, ops),
        func=Address(func),
        func_symbol=view.symbols.format(func),
        user=user,
        patch=patches.of(ops) if patches is not None else None,
        flags=view.ops_flags.of(flags),
        flags_word=Address(flags),
        trampoline=Address(trampoline) if trampoline else None,
        managed_by=Address(manager.value_()) if manager is not None else None,
        direct_calls=direct,
        all_functions=filter_.everything,
        filter=_filter(view, filter_.filter),
        notrace=_filter(view, filter_.notrace),
        hooks=hooked.number,
        hooked=None if filter_.everything else tuple(_names(view, hooked)),
        held_by=holders.of(user, ops, filter_.filter, [call.target for call in known(direct)]),
    )


def _names(view: KernelView, hooked: Walked[int]) -> Iterator[str | Unknown]:
    for ip in hooked.listed:
        yield ip if isinstance(ip, Unknown) else _function_at(view, ip)


def _site_ops(
    view: KernelView, ops: Object, ip: int, holders: Holders, patches: _PatchesOfOps
) -> SiteOps:
    func = _callback(view, ops, managed=False)
    user = _user(view, ops, func)
    targets = [_direct_target(view, ip)] if user == "BPF" else []
    return SiteOps(
        address=Address(ops.value_()),
        symbol=_own_symbol(view, ops),
        user=user,
        patch=patches.of(ops),
        func=Address(func),
        func_symbol=view.symbols.format(func),
        flags=view.ops_flags.of(ops.flags.value_()),
        held_by=(
            *holders.of(user, ops, [ip], [each for each in targets if isinstance(each, int)]),
            *(each for each in targets if isinstance(each, Unknown)),
        ),
    )


def _direct_target(view: KernelView, ip: int) -> int | Unknown | None:
    """Return what a site calls directly; None if it calls nothing so."""
    targets = view.problems.attempt("direct_functions", ftrace_direct_functions, view.prog)
    return targets if isinstance(targets, Unknown) else targets.get(ip)


def _callback(view: KernelView, ops: Object, *, managed: bool) -> int:
    """Return what an ops calls; what the function graph tracer calls for one that it manages."""
    if managed:
        try:
            return int(container_of(ops, "struct fgraph_ops", "ops").entryfunc.value_())
        except LookupError:  # a manager that is not the function graph tracer
            pass
    return int(ops.func.value_())


def _user(view: KernelView, ops: Object, func: int) -> str | Unknown | None:
    callback = view.symbols.covering(func)
    if callback is None or isinstance(callback, Unknown):
        return callback
    user = _USERS.get(callback.name)
    if user == "direct calls":
        try:
            owner = view.symbols.known_at(ops.ops_func.value_())
        except AttributeError:
            owner = None
        if owner is not None and owner.name == _BPF_OPS_FUNC:
            return "BPF"
    return user


def _own_symbol(view: KernelView, ops: Object) -> str | Unknown | None:
    symbol = view.symbols.covering(ops.value_())
    if symbol is None or isinstance(symbol, Unknown):
        return symbol
    return symbol.name if symbol.address == ops.value_() else None


def _direct_calls(
    view: KernelView, flags: int, filter_: FtraceFilter
) -> tuple[DirectCall | Unknown, ...]:
    """Return what the sites of an ops with the DIRECT flag call."""
    if not flags & view.ops_flags["DIRECT"]:
        return ()
    targets = view.problems.attempt("direct_functions", ftrace_direct_functions, view.prog)
    if isinstance(targets, Unknown):
        return (targets,)
    return tuple(
        DirectCall(_function_at(view, ip), Address(target), view.symbols.format(target))
        for ip in sorted(filter_.filter)
        if (target := targets.get(ip))
    )


def _filter(view: KernelView, ips: frozenset[int]) -> Filter:
    names = tuple(_function_at(view, ip) for ip in sorted(ips))
    return Filter(count=len(ips), functions=names)


def _function_at(view: KernelView, ip: int) -> str:
    symbol = view.symbols.covering(ip)
    return symbol.label if isinstance(symbol, KernelSymbol) else view.symbols.label(ip)


def _hooked(view: KernelView, flags: int, filter_: FtraceFilter) -> Walked[int]:
    """Return the sites that ``__ftrace_hash_rec_update()`` counts an ops in for."""
    if not flags & view.ops_flags["ENABLED"]:
        return Walked((), None)
    records = view.records
    # A site of a module that is being unloaded is skipped there.
    kept = (records.flags & np.uint64(view.record_flags["DISABLED"])) == 0
    hooked: list[int] = records.ips[kept & filter_.wants(records.ips)].tolist()
    return Walked(tuple(hooked), records.missing)
