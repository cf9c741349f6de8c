# SPDX-License-Identifier: GPL-2.0-or-later
"""The audit of func_stacks: whether the module of each patch is still there."""

from collections.abc import Iterator

from drgn import Object
from drgn.helpers.linux.module import module_address_regions

from klp_debug.analysis.catalogue import PATCH_MODULE_GONE
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.kernel.ftrace_ops import ftrace_ops_filter
from klp_debug.kernel.livepatch import for_each_klp_ops, klp_func_stack_top
from klp_debug.kernel.module import last_unloaded_module
from klp_debug.result.address import Address
from klp_debug.result.common import Finding


def gone_findings(view: KernelView) -> Iterator[Finding]:
    """Iterate over a finding for each func_stack whose top is in no module that is there."""
    if not view.has_livepatch:
        return
    regions = [
        range(start, start + size)
        for module in view.modules
        for start, size in module_address_regions(module)
    ]
    with view.problems.noting("list klp_ops"):
        area = range(view.prog["__vmalloc_start"].value_(), view.prog["__vmalloc_end"].value_())
        for ops in for_each_klp_ops(view.prog):
            top = klp_func_stack_top(ops)
            # The klp_func of an atomic replace's nop is allocated, so in the linear map.
            if top is None or top.value_() not in area:
                continue
            if any(top.value_() in region for region in regions):
                continue
            last = last_unloaded_module(view.prog)
            removed = f"; the module removed last is {last}" if last else ""
            yield PATCH_MODULE_GONE.on(
                _patched(view, ops),
                f"klp_func at {Address(top.value_())}, on top of klp_ops"
                f" {Address(ops.value_())}, is in no module{removed}",
            )


def _patched(view: KernelView, ops: Object) -> str:
    """Name the function by the filter of the ops: the klp_func that knows it is gone."""
    with view.problems.noting(f"filter of klp_ops {ops.value_():#x}"):
        wants = ftrace_ops_filter(ops.fops.address_of_()).wants(view.records.ips)
        names = [view.symbols.format(view.records[int(i)].ip) for i in wants.nonzero()[0][:4]]
        if names:
            return ", ".join(str(name) for name in names)
    return f"klp_ops {Address(ops.value_())}"
