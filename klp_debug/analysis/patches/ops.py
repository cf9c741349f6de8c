# SPDX-License-Identifier: GPL-2.0-or-later
"""Every ftrace_ops: who it is, and which of the kernel's mcount sites it is called from."""

from collections.abc import Iterator

import numpy as np
from drgn import Object, container_of

from klp_debug.analysis.patches.func_stacks import FuncStacks
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.kernel.ftrace_ops import (
    FtraceFilter,
    for_each_ftrace_ops,
    for_each_ftrace_subops,
    ftrace_direct_functions,
    ftrace_ops_filter,
)
from klp_debug.kernel.livepatch import klp_func_patch, klp_patch_name
from klp_debug.result.address import Address
from klp_debug.result.ops import DirectCall, Filter, FtraceOps
from klp_debug.result.site import SiteOps

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


def registered_ops(view: KernelView) -> tuple[FtraceOps, ...]:
    """
    Return every ops of ``ftrace_ops_list``, in the order in which they are called.

    Behind an ops come those that it manages. What cannot be read becomes a problem of the view;
    the rest is returned.
    """
    patches = _patches_of_ops(view)
    result = []
    with view.problems.noting("ftrace_ops_list"):
        for ops in for_each_ftrace_ops(view.prog):
            with view.problems.noting(f"ftrace_ops {ops.value_():#x}"):
                result.append(_describe(view, ops, patches.get(ops.value_()), None))
                result.extend(
                    _describe(view, subops, None, ops) for subops in for_each_ftrace_subops(ops)
                )
    return tuple(result)


def registered_ops_at(view: KernelView, ip: int) -> tuple[SiteOps, ...]:
    """
    Return every ops that wants a site, in the order in which they are called.

    :param ip: of the site's record
    """
    patches = _patches_of_ops(view)
    result = []
    with view.problems.noting("ftrace_ops_list"):
        for ops in for_each_ftrace_ops(view.prog):
            enabled = ops.flags.value_() & view.ops_flags["ENABLED"]
            if enabled and ftrace_ops_filter(ops).wants(np.array([ip], np.uint64)).all():
                result.append(_site_ops(view, ops, patches.get(ops.value_())))
    return tuple(result)


def _patches_of_ops(view: KernelView) -> dict[int, str]:
    """Return address of an ops -> the patch on top of its func_stack."""
    patches: dict[int, str] = {}
    if not view.has_livepatch:
        return patches
    for stack in FuncStacks(view).all():
        with view.problems.noting(f"klp_ops {stack.ops.value_():#x}"):
            patches[stack.ops.fops.address_] = klp_patch_name(klp_func_patch(stack.funcs[0]))
    return patches


def _describe(
    view: KernelView, ops: Object, patch: str | None, manager: Object | None
) -> FtraceOps:
    func = _callback(view, ops, managed=manager is not None)
    flags = ops.flags.value_()
    trampoline = ops.trampoline.value_()
    filter_ = ftrace_ops_filter(ops)
    hooked = _hooked(view, flags, filter_)
    return FtraceOps(
        address=Address(ops.value_()),
        symbol=_own_symbol(view, ops),
        func=Address(func),
        func_symbol=view.symbols.format(func),
        user=_user(view, ops, func),
        patch=patch,
        flags=view.ops_flags.of(flags),
        flags_word=Address(flags),
        trampoline=Address(trampoline) if trampoline else None,
        managed_by=Address(manager.value_()) if manager is not None else None,
        direct_calls=tuple(_direct_calls(view, flags, filter_)),
        all_functions=filter_.everything,
        filter=_filter(view, filter_.filter),
        notrace=_filter(view, filter_.notrace),
        hooks=len(hooked),
        hooked=None if filter_.everything else tuple(_function_at(view, ip) for ip in hooked),
    )


def _site_ops(view: KernelView, ops: Object, patch: str | None) -> SiteOps:
    func = _callback(view, ops, managed=False)
    return SiteOps(
        address=Address(ops.value_()),
        symbol=_own_symbol(view, ops),
        user=_user(view, ops, func),
        patch=patch,
        func=Address(func),
        func_symbol=view.symbols.format(func),
        flags=view.ops_flags.of(ops.flags.value_()),
    )


def _callback(view: KernelView, ops: Object, *, managed: bool) -> int:
    """Return what an ops calls; what the function graph tracer calls for one that it manages."""
    if managed:
        try:
            return int(container_of(ops, "struct fgraph_ops", "ops").entryfunc.value_())
        except LookupError:  # a manager that is not the function graph tracer
            pass
    return int(ops.func.value_())


def _user(view: KernelView, ops: Object, func: int) -> str | None:
    callback = view.symbols.covering(func)
    user = _USERS.get(callback.name) if callback is not None else None
    if user == "direct calls":
        try:
            owner = view.symbols.covering(ops.ops_func.value_())
        except AttributeError:
            owner = None
        if owner is not None and owner.name == _BPF_OPS_FUNC:
            return "BPF"
    return user


def _own_symbol(view: KernelView, ops: Object) -> str | None:
    symbol = view.symbols.covering(ops.value_())
    return symbol.name if symbol is not None and symbol.address == ops.value_() else None


def _direct_calls(view: KernelView, flags: int, filter_: FtraceFilter) -> Iterator[DirectCall]:
    """Iterate over what the sites of an ops with the DIRECT flag call."""
    if not flags & view.ops_flags["DIRECT"]:
        return
    targets = ftrace_direct_functions(view.prog)
    for ip in sorted(filter_.filter):
        target = targets.get(ip)
        if target:
            yield DirectCall(_function_at(view, ip), Address(target), view.symbols.format(target))


def _filter(view: KernelView, ips: frozenset[int]) -> Filter:
    names = tuple(_function_at(view, ip) for ip in sorted(ips))
    return Filter(count=len(ips), functions=names)


def _function_at(view: KernelView, ip: int) -> str:
    symbol = view.symbols.covering(ip)
    if symbol is None:
        return str(Address(ip))
    return symbol.label


def _hooked(view: KernelView, flags: int, filter_: FtraceFilter) -> list[int]:
    """Return the sites that ``__ftrace_hash_rec_update()`` counts an ops in for."""
    if not flags & view.ops_flags["ENABLED"]:
        return []
    records = view.records
    # A site of a module that is being unloaded is skipped there.
    kept = (records.flags & np.uint64(view.record_flags["DISABLED"])) == 0
    hooked: list[int] = records.ips[kept & filter_.wants(records.ips)].tolist()
    return hooked
