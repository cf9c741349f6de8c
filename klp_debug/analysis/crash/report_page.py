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
from klp_debug.result.unknown import Unknown


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
        offsets=site_offsets(view.once(Sites.of_kernel)),
        problems=view.problems.all(),
    )


def _patched_functions(view: KernelView) -> tuple[FuncReport | Unknown, ...]:
    functions: list[FuncReport | Unknown] = []
    stacks = view.once(FuncStacks).all
    for address in sorted(stack.old_func for stack in stacks):
        symbol = view.symbols.covering(address)
        if isinstance(symbol, Unknown):
            functions.append(symbol)
        elif symbol is None or symbol.address != address:
            where = f"function at {Address(address)}"
            functions.append(view.problems.add(where, "patched, but in no symbol"))
        else:
            functions.append(report_func(view, symbol))
    return (*functions, *((stacks.missing,) if stacks.missing is not None else ()))
