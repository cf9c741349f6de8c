# SPDX-License-Identifier: GPL-2.0-or-later
"""The answer of ``ops`` as text."""

from klp_debug.render.kernel import kernel_lines, problem_lines
from klp_debug.render.terminal import add_row, lines, table
from klp_debug.result.ops import Filter, FtraceOps, OpsList

_NAMES = 4
"""Functions of a filter that are named; the JSON document has all."""


_ENABLED = {
    True: "1",
    False: "0: no ops is called (before a kdump, machine_kexec() clears it)",
    None: "unknown",
}


def ops_list_lines(answer: OpsList) -> list[str]:
    """Return a table of the ops, a line each."""
    head = kernel_lines(answer.kernel)
    problems = problem_lines(answer.problems)
    enabled = _ENABLED[answer.ftrace_enabled]
    summary = f"{_count(answer)} ops, {answer.sites} mcount sites; ftrace_enabled {enabled}"
    if not answer.ops:
        return [*head, "", summary, *problems]
    grid = table("OPS", "USER", "CALLBACK", "HOOKS", "FILTER", "NOTRACE", "FLAGS")
    for ops in answer.ops:
        add_row(
            grid,
            ("  " if ops.managed_by is not None else "") + (ops.symbol or ops.address.bare),
            _user(ops),
            ops.func_symbol or ops.func.bare,
            str(ops.hooks),
            "*" if ops.all_functions else _filter(ops.filter),
            _filter(ops.notrace) if ops.notrace.count else "-",
            " ".join(ops.flags),
        )
    return [*head, "", *lines(grid), *_direct_calls(answer), "", summary, *problems]


def _direct_calls(answer: OpsList) -> list[str]:
    calls = [call for ops in answer.ops for call in ops.direct_calls]
    if not calls:
        return []
    grid = table("DIRECT CALL OF", "GOES TO")
    for call in calls:
        where = f" ({call.target_symbol})" if call.target_symbol else ""
        add_row(grid, call.function, f"{call.target.bare}{where}")
    return ["", *lines(grid)]


def _user(ops: FtraceOps) -> str:
    if ops.patch is not None:
        return f"{ops.user or 'not livepatch any more'}: {ops.patch}"
    return ops.user or "-"


def _filter(hash_: Filter) -> str:
    named = ", ".join(hash_.functions[:_NAMES])
    more = hash_.count - _NAMES
    return f"{hash_.count}: {named}" + (f" and {more} more" if more > 0 else "")


def _count(answer: OpsList) -> str:
    managed = sum(ops.managed_by is not None for ops in answer.ops)
    on_list = len(answer.ops) - managed
    return f"{on_list} (managing {managed} more)" if managed else str(on_list)
