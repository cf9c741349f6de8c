# SPDX-License-Identifier: GPL-2.0-or-later
"""The answer of ``ops`` as text."""

from klp_debug.render.kernel import kernel_lines, problem_lines
from klp_debug.render.terminal import add_row, lines, table
from klp_debug.render.unknown import UNKNOWN, cell, symbol_or, unknown_line
from klp_debug.result.ops import Filter, FtraceOps, OpsList
from klp_debug.result.unknown import Unknown, first_unknown, known
from klp_debug.result.unknown import counted as counted_of

_NAMES = 4
"""Functions of a filter that are named; the JSON document has all."""


_ENABLED = {
    True: "1",
    False: "0: no ops is called (before a kdump, machine_kexec() clears it)",
    None: "is not there: this kernel was built without CONFIG_DYNAMIC_FTRACE",
}


def ops_list_lines(answer: OpsList) -> list[str]:
    """Return a table of the ops, a line each."""
    head = kernel_lines(answer.kernel)
    problems = problem_lines(answer.problems)
    state = answer.ftrace_enabled
    enabled = UNKNOWN if isinstance(state, Unknown) else _ENABLED[state]
    summary = f"{_count(answer)} ops, {answer.sites} mcount sites; ftrace_enabled {enabled}"
    if not answer.ops:
        return [*head, "", summary, *problems]
    grid = table("OPS", "USER", "CALLBACK", "HOOKS", "FILTER", "NOTRACE", "FLAGS")
    for ops in known(answer.ops):
        add_row(
            grid,
            ("  " if ops.managed_by is not None else "") + symbol_or(ops.symbol, ops.address),
            _user(ops),
            symbol_or(ops.func_symbol, ops.func),
            str(ops.hooks),
            "*" if ops.all_functions else _filter(ops.filter),
            _filter(ops.notrace) if ops.notrace.count else "-",
            " ".join(ops.flags),
        )
    unread = [unknown_line("an ops", ops) for ops in answer.ops if isinstance(ops, Unknown)]
    more = [*unread, *_holders(answer), *_direct_calls(answer)]
    return [*head, "", *lines(grid), *more, "", summary, *problems]


def _holders(answer: OpsList) -> list[str]:
    held = [ops for ops in known(answer.ops) if ops.held_by]
    if not held:
        return []
    grid = table("OPS", "HELD BY")
    for ops in held:
        name = symbol_or(ops.symbol, ops.address)
        for holder in known(ops.held_by):
            add_row(grid, name, holder)
            name = ""
    unread = [
        unknown_line("who holds an ops", holder)
        for ops in held
        for holder in ops.held_by
        if isinstance(holder, Unknown)
    ]
    return ["", *lines(grid), *unread]


def _direct_calls(answer: OpsList) -> list[str]:
    calls = [call for ops in known(answer.ops) for call in ops.direct_calls]
    if not calls:
        return []
    grid = table("DIRECT CALL OF", "GOES TO")
    for call in known(calls):
        where = "" if call.target_symbol is None else f" ({cell(call.target_symbol)})"
        add_row(grid, call.function, f"{call.target.bare}{where}")
    unread = [unknown_line("a direct call", call) for call in calls if isinstance(call, Unknown)]
    return ["", *lines(grid), *unread]


def _user(ops: FtraceOps) -> str:
    if ops.patch is not None:
        return f"{cell(ops.user, 'not livepatch any more')}: {cell(ops.patch)}"
    return cell(ops.user)


def _filter(hash_: Filter) -> str:
    named = ", ".join(hash_.functions[:_NAMES])
    more = hash_.count - _NAMES
    return f"{hash_.count}: {named}" + (f" and {more} more" if more > 0 else "")


def _count(answer: OpsList) -> str:
    seen = known(answer.ops)
    managed = sum(ops.managed_by is not None for ops in seen)
    on_list = counted_of(len(seen) - managed, first_unknown(answer.ops))
    return f"{on_list} (managing {managed} more)" if managed else str(on_list)
