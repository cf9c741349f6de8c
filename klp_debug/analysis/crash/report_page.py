# SPDX-License-Identifier: GPL-2.0-or-later
"""What the page of a report shows: the call chain of each patched function, and more."""

from klp_debug.analysis.audit.site_offsets import site_offsets
from klp_debug.analysis.audit.sites import Sites
from klp_debug.analysis.chain.func import report_func
from klp_debug.analysis.crash.report import report
from klp_debug.analysis.patches.func_stacks import FuncStacks
from klp_debug.analysis.tasks.transition import transition
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.result.address import Address
from klp_debug.result.func import FuncReport
from klp_debug.result.page import ReportPage


def report_page(view: KernelView) -> ReportPage:
    """
    Return the report on a target, with what its page shows besides.

    What cannot be read becomes a problem of the result.
    """
    answer = report(view)
    return ReportPage(
        report=answer,
        functions=_patched_functions(view) if view.has_livepatch else (),
        transition=transition(view) if view.has_livepatch else None,
        offsets=site_offsets(Sites.of_kernel(view)),
        problems=view.problems.all(),
    )


def _patched_functions(view: KernelView) -> tuple[FuncReport, ...]:
    functions = []
    for address in sorted(stack.old_func for stack in FuncStacks(view).all()):
        symbol = view.symbols.covering(address)
        if symbol is None or symbol.address != address:
            view.problems.add(f"function at {Address(address)}", "patched, but in no symbol")
        else:
            functions.append(report_func(view, symbol))
    return tuple(functions)
