# SPDX-License-Identifier: GPL-2.0-or-later
"""Every ftrace_ops: who it is, and which of the kernel's mcount sites it is called from."""

import numpy as np
from drgn import Object

from klp_debug.analysis.func_stacks import FuncStacks
from klp_debug.analysis.kernel_view import KernelView
from klp_debug.kernel.ftrace_ops import FtraceFilter, for_each_ftrace_ops, ftrace_ops_filter
from klp_debug.kernel.livepatch import klp_func_patch, klp_patch_name
from klp_debug.result.address import Address
from klp_debug.result.ops import Filter, FtraceOps

# Callbacks that tell who an ops belongs to; several where the name changed.
_USERS = {
    "klp_ftrace_handler": "livepatch",
    "kprobe_ftrace_handler": "kprobes",
    "function_trace_call": "function tracer",
    "function_stack_trace_call": "function tracer",
    "function_no_repeats_trace_call": "function tracer",
    "function_stack_no_repeats_trace_call": "function tracer",
    "ftrace_graph_func": "function graph tracer",
    "function_profile_call": "function profiler",
    "perf_ftrace_function_call": "perf",
    "call_direct_funcs": "direct calls (BPF)",
    "stack_trace_call": "stack tracer",
    "fprobe_handler": "fprobe",
    "ftrace_pid_func": "a tracer with a PID filter",
}


def registered_ops(view: KernelView) -> tuple[FtraceOps, ...]:
    """
    Return every ops of ``ftrace_ops_list``, in the order in which they are called.

    What cannot be read becomes a problem of the view; the rest is returned.
    """
    patches = _patches_of_ops(view)
    result = []
    with view.problems.noting("ftrace_ops_list"):
        for ops in for_each_ftrace_ops(view.prog):
            with view.problems.noting(f"ftrace_ops {ops.value_():#x}"):
                result.append(_describe(view, ops, patches.get(ops.value_())))
    return tuple(result)


def _patches_of_ops(view: KernelView) -> dict[int, str]:
    """Return address of an ops -> the patch on top of its func_stack."""
    patches = {}
    for stack in FuncStacks(view).all():
        with view.problems.noting(f"klp_ops {stack.ops.value_():#x}"):
            patches[stack.ops.fops.address_] = klp_patch_name(klp_func_patch(stack.funcs[0]))
    return patches


def _describe(view: KernelView, ops: Object, patch: str | None) -> FtraceOps:
    func = ops.func.value_()
    callback = view.symbols.covering(func)
    flags = ops.flags.value_()
    trampoline = ops.trampoline.value_()
    filter_ = ftrace_ops_filter(ops)
    symbol = view.symbols.covering(ops.value_())
    return FtraceOps(
        address=Address(ops.value_()),
        symbol=symbol.name if symbol is not None and symbol.address == ops.value_() else None,
        func=Address(func),
        func_symbol=view.symbols.format(func),
        user=_USERS.get(callback.name) if callback is not None else None,
        patch=patch,
        flags=view.ops_flags.of(flags),
        flags_word=Address(flags),
        trampoline=Address(trampoline) if trampoline else None,
        all_functions=filter_.everything,
        filter=_filter(view, filter_.filter),
        notrace=_filter(view, filter_.notrace),
        hooks=_hooks(view, flags, filter_),
    )


def _filter(view: KernelView, ips: frozenset[int]) -> Filter:
    names = tuple(_function_at(view, ip) for ip in sorted(ips))
    return Filter(count=len(ips), functions=names)


def _function_at(view: KernelView, ip: int) -> str:
    symbol = view.symbols.covering(ip)
    if symbol is None:
        return str(Address(ip))
    return f"{symbol.name} [{symbol.module}]" if symbol.module else symbol.name


def _hooks(view: KernelView, flags: int, filter_: FtraceFilter) -> int:
    """Count the sites that ``__ftrace_hash_rec_update()`` counts an ops in for."""
    if not flags & view.ops_flags["ENABLED"]:
        return 0
    records = view.records
    # A site of a module that is being unloaded is skipped there.
    kept = (records.flags & np.uint64(view.record_flags["DISABLED"])) == 0
    return int((kept & filter_.wants(records.ips)).sum())
