# SPDX-License-Identifier: GPL-2.0-or-later
"""The answers of ``status`` and ``journal`` as text."""

from klp_debug.render.change import write_table
from klp_debug.render.kernel import kernel_lines, problem_lines
from klp_debug.render.terminal import add_row, escape, lines, table
from klp_debug.result.control import (
    HeldFunction,
    Journal,
    OperationReport,
    OperationWrite,
    Status,
)
from klp_debug.result.unknown import Unknown, first_unknown, known, number_of


def status_lines(answer: Status) -> list[str]:
    """Return what is held, what was cut short, and where the journal is."""
    return [
        *kernel_lines(answer.kernel),
        "",
        *_held(answer),
        *(line for operation in answer.unfinished for line in ("", *_unfinished(operation))),
        "",
        *_where(answer),
        *problem_lines(answer.problems),
    ]


def _held(answer: Status) -> list[str]:
    if not answer.held:
        return ["no debugger holds a patch disarmed"]
    missing = [
        f"whether more are held disarmed is unknown: {escape(each.reason)}"
        for each in answer.held
        if isinstance(each, Unknown)
    ]
    held = known(answer.held)
    if not held:
        return missing
    grid = table("PATCH", "FUNCTION", "HELD BY", "OPERATION")
    for each in held:
        add_row(grid, each.patch, each.function, each.mechanism, _operation_of(each))
    heading = f"{number_of(answer.held)} function{'' if len(held) == 1 else 's'} held disarmed"
    return [heading, "", *lines(grid), *missing]


def _operation_of(held: HeldFunction) -> str:
    if isinstance(held.operation, Unknown):
        return "unknown"
    if held.operation is None:
        return "not of this journal"
    other = held.done_for not in (held.patch, None)
    return f"{held.operation}, done for {held.done_for}" if other else str(held.operation)


def _unfinished(operation: OperationReport | Unknown) -> list[str]:
    if isinstance(operation, Unknown):
        return [f"whether anything was cut short is unknown: {escape(operation.reason)}"]
    return [
        f"CUT SHORT: operation {operation.number}, {operation.action} {escape(operation.patch)},"
        f" of {escape(operation.time)}; `klp-debug undo` finishes it",
        *_operation_writes(operation),
    ]


def _where(answer: Status) -> list[str]:
    grid = table()
    add_row(grid, "boot", _or_cannot_be_told(answer.boot))
    add_row(grid, "journal", f"{_or_cannot_be_told(answer.journal)}{_there(answer)}")
    add_row(grid, "in force", _in_force(answer))
    for path in answer.other_boots:
        if isinstance(path, Unknown):
            add_row(grid, "another boot", f"unknown whether one was left in force: {path.reason}")
        else:
            add_row(grid, "another boot", f"{path} was left in force; that boot is not this one")
    return lines(grid)


def _there(answer: Status) -> str:
    # Where it is unknown, so is its path, and that is said already.
    return " (none yet)" if answer.journal_exists is False else ""


def _in_force(answer: Status) -> str:
    missing = first_unknown(answer.in_force)
    if missing is not None:
        return f"unknown ({missing.reason})"
    numbers = ", ".join(str(operation.number) for operation in known(answer.in_force))
    return f"operation {numbers}" if numbers else "nothing"


def _or_cannot_be_told(text: str | Unknown) -> str:
    return "cannot be told" if isinstance(text, Unknown) else text


def journal_lines(answer: Journal) -> list[str]:
    """Return every operation with its writes."""
    operations = [
        line for operation in answer.operations for line in ("", *_operation_lines(operation))
    ]
    boot, path = _or_cannot_be_told(answer.boot), _or_cannot_be_told(answer.path)
    return [
        *kernel_lines(answer.kernel),
        "",
        f"boot {boot}: {escape(path)}",
        *(operations or ["", "nothing was written to this boot of the kernel"]),
        *problem_lines(answer.problems),
    ]


def _operation_lines(operation: OperationReport | Unknown) -> list[str]:
    if isinstance(operation, Unknown):
        return [f"what was written is unknown: {escape(operation.reason)}"]
    force = ", in force" if operation.in_force is True else ""
    if isinstance(operation.in_force, Unknown):
        force = ", whether in force is unknown"
    undoes = ", ".join(str(number) for number in operation.undoes)
    takes = f", takes back {undoes}" if undoes else ""
    forced = f", forced over {', '.join(operation.forced)}" if operation.forced else ""
    return [
        f"{operation.number}  {escape(operation.time)}  {operation.action}"
        f" {escape(operation.patch)}: {operation.result}{force}{takes}{escape(forced)}",
        *_operation_writes(operation),
    ]


def _operation_writes(operation: OperationReport) -> list[str]:
    states = [_state(write) for write in operation.writes]
    writes = [write.write for write in operation.writes]
    return [f"    {line}" for line in write_table(writes, ("NOW", states))] if writes else []


def _state(write: OperationWrite) -> str:
    return "unknown" if isinstance(write.state, Unknown) else write.state
