# SPDX-License-Identifier: GPL-2.0-or-later
"""The answers of ``status`` and ``journal`` as text."""

from klp_debug.render.change import write_table
from klp_debug.render.kernel import kernel_lines, problem_lines
from klp_debug.render.terminal import add_row, escape, lines, table
from klp_debug.result.control import Journal, OperationReport, Status


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
    grid = table("PATCH", "FUNCTION", "HELD BY", "OPERATION")
    for held in answer.held:
        number = "not of this journal" if held.operation is None else str(held.operation)
        add_row(grid, held.patch, held.function, held.mechanism, number)
    total = len(answer.held)
    return [f"{total} function{'' if total == 1 else 's'} held disarmed", "", *lines(grid)]


def _unfinished(operation: OperationReport) -> list[str]:
    return [
        f"CUT SHORT: operation {operation.number}, {operation.action} {escape(operation.patch)},"
        f" of {escape(operation.time)}; `klp-debug undo` finishes it",
        *_operation_writes(operation),
    ]


def _where(answer: Status) -> list[str]:
    there = "" if answer.journal_exists else " (none yet)"
    grid = table()
    add_row(grid, "boot", answer.boot or "cannot be told")
    add_row(grid, "journal", f"{answer.journal}{there}")
    numbers = ", ".join(str(operation.number) for operation in answer.in_force)
    add_row(grid, "in force", f"operation {numbers}" if numbers else "nothing")
    for path in answer.other_boots:
        add_row(grid, "another boot", f"{path} was left in force; that boot is not this one")
    return lines(grid)


def journal_lines(answer: Journal) -> list[str]:
    """Return every operation with its writes."""
    operations = [
        line for operation in answer.operations for line in ("", *_operation_lines(operation))
    ]
    return [
        *kernel_lines(answer.kernel),
        "",
        f"boot {answer.boot or 'cannot be told'}: {escape(answer.path)}",
        *(operations or ["", "nothing was written to this boot of the kernel"]),
        *problem_lines(answer.problems),
    ]


def _operation_lines(operation: OperationReport) -> list[str]:
    force = ", in force" if operation.in_force else ""
    undoes = ", ".join(str(number) for number in operation.undoes)
    takes = f", takes back {undoes}" if undoes else ""
    forced = f", forced over {', '.join(operation.forced)}" if operation.forced else ""
    return [
        f"{operation.number}  {escape(operation.time)}  {operation.action}"
        f" {escape(operation.patch)}: {operation.result}{force}{takes}{escape(forced)}",
        *_operation_writes(operation),
    ]


def _operation_writes(operation: OperationReport) -> list[str]:
    states = [write.state or "not compared" for write in operation.writes]
    writes = [write.write for write in operation.writes]
    return [f"    {line}" for line in write_table(writes, ("NOW", states))] if writes else []
