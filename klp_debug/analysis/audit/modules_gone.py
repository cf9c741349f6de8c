# SPDX-License-Identifier: GPL-2.0-or-later
"""The audit of func_stacks: whether the module of each patch is still there."""

from collections.abc import Iterator

from drgn import Object
from drgn.helpers.linux.module import module_address_regions

from klp_debug.analysis.audit.unchecked import unchecked
from klp_debug.analysis.catalogue import PATCH_MODULE_GONE
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.kernel.ftrace_ops import ftrace_ops_filter
from klp_debug.kernel.livepatch import for_each_klp_ops, klp_func_stack_top
from klp_debug.kernel.module import last_unloaded_module
from klp_debug.result.address import Address
from klp_debug.result.common import Finding
from klp_debug.result.unknown import Unknown, first_unknown


def gone_findings(view: KernelView) -> Iterator[Finding | Unknown]:
    """Iterate over a finding for each func_stack whose top is in no module that is there."""
    if not view.has_livepatch:
        return
    modules = _Modules(view)
    walked = view.problems.walk("list klp_ops", for_each_klp_ops(view.prog))
    for ops in walked:
        where = f"klp_ops {ops.value_():#x}"
        finding = view.problems.attempt(where, _gone, view, modules, ops)
        if finding is not None:
            yield finding
    if walked.missing is not None:
        yield walked.missing


class _Modules:
    """The memory of all modules."""

    def __init__(self, view: KernelView) -> None:
        self._regions: list[range] = []
        self._missing = view.modules.missing
        for module in view.modules:
            where = f"memory of module at {module.value_():#x}"
            found = view.problems.attempt(where, module_address_regions, module)
            if isinstance(found, Unknown):
                self._missing = first_unknown((self._missing, found))
            else:
                self._regions += [range(start, start + size) for start, size in found]

    def have(self, address: int) -> bool | Unknown:
        """Return whether an address is in the memory of a module."""
        if any(address in region for region in self._regions):
            return True
        return False if self._missing is None else self._missing


def _gone(view: KernelView, modules: _Modules, ops: Object) -> Finding | Unknown | None:
    """Judge one ``struct klp_ops *``."""
    area = range(view.prog["__vmalloc_start"].value_(), view.prog["__vmalloc_end"].value_())
    top = klp_func_stack_top(ops)
    # The klp_func of an atomic replace's nop is allocated, so in the linear map.
    if top is None or top.value_() not in area:
        return None
    there = modules.have(top.value_())
    if isinstance(there, Unknown):
        return unchecked(f"whether the klp_func at {Address(top.value_())} is in a module", there)
    if there:
        return None
    last = view.problems.attempt("last_unloaded_module", last_unloaded_module, view.prog)
    removed = ""
    if last is not None:
        name = "unknown" if isinstance(last, Unknown) else last
        removed = f"; the module removed last is {name}"
    return PATCH_MODULE_GONE.on(
        _patched(view, ops),
        f"klp_func at {Address(top.value_())}, on top of klp_ops"
        f" {Address(ops.value_())}, is in no module{removed}",
    )


def _patched(view: KernelView, ops: Object) -> str:
    """Name the function by the filter of the ops: the klp_func that knows it is gone."""
    by_address = f"klp_ops {Address(ops.value_())}"
    where = f"filter of klp_ops {ops.value_():#x}"
    wanted = view.problems.attempt(where, ftrace_ops_filter, ops.fops.address_of_())
    if isinstance(wanted, Unknown):
        return f"{by_address}, of a function that is unknown"
    wants = wanted.wants(view.records.ips).nonzero()[0]
    names = [view.symbols.label(view.records[int(index)].ip) for index in wants[:4]]
    if view.records.missing is not None and (wanted.everything or len(wants) < len(wanted.filter)):
        names.append("a function that is unknown")
    return ", ".join(names) or by_address
