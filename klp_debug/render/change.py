# SPDX-License-Identifier: GPL-2.0-or-later
"""The answer of ``arm``, ``disarm`` and ``undo`` as text."""

from collections.abc import Sequence

from klp_debug.render.bt import frame_lines
from klp_debug.render.kernel import kernel_lines, problem_lines
from klp_debug.render.terminal import add_row, escape, lines, table
from klp_debug.result.control import Change, PlannedWrite

_DONE = {"disarm": "disarmed", "arm": "armed", "undo": "taken back"}
_NOTHING_WRITTEN = "Nothing was written."


def change_lines(answer: Change) -> list[str]:
    """Return what became of it, what spoke against it, and every write."""
    return [
        *kernel_lines(answer.kernel),
        "",
        *_verdict(answer),
        *_objections(answer),
        *_writes(answer),
        *(f"skipped   {escape(line)}" for line in answer.skipped),
        *_notes(answer),
        *problem_lines(answer.problems),
    ]


def plan_lines(plan: Change) -> list[str]:
    """Return what is about to be done: every write, and what speaks against it."""
    count = len({write.function for write in plan.writes})
    return [
        f"{escape(plan.subject)}: {_count(count, 'function')} to be {_DONE[plan.action]}",
        *_objections(plan),
        *_writes(plan),
        *(f"skipped   {escape(line)}" for line in plan.skipped),
        *([""] if plan.notes else []),
        *plan.notes,
    ]


def _verdict(answer: Change) -> list[str]:
    done = _DONE[answer.action]
    subject = escape(answer.subject)
    functions = _count(len({write.function for write in answer.writes}), "function")
    reason = escape(answer.reason) if answer.reason is not None else None
    match answer.outcome:
        case "done":
            return [
                f"{subject}: {done}, {functions}; written and read back,"
                f" operation {answer.operation} of the journal"
            ]
        case "planned":
            return [f"{subject}: {functions} would be {done}. {_NOTHING_WRITTEN}"]
        case "nothing to do":
            return [f"{subject}: nothing to do. {_NOTHING_WRITTEN}"]
        case "nothing left":
            return [
                f"{subject}: nothing was taken back: what was written is gone with what it was"
                f" written to; operation {answer.operation} of the journal says so"
            ]
        case "declined":
            return [f"{subject}: not {done}. {_NOTHING_WRITTEN}"]
        case "refused":
            why = reason or f"{len(answer.objections)} objection{_s(answer.objections)}"
            return [f"{subject}: not {done}: {why}", _NOTHING_WRITTEN + _way_out(answer)]
        case "failed":
            return [
                f"{subject}: not {done}: {reason}",
                "What was written before that is taken back, and verified.",
            ]
        case "unfinished":
            return [
                f"{subject}: CUT SHORT: {reason}",
                f"Operation {answer.operation} of the journal tells what is written: attach again,"
                " and `klp-debug undo`.",
            ]


def _way_out(answer: Change) -> str:
    if not answer.objections or answer.reason is not None:
        return ""
    return " Let the target run on and try again, or --force to switch all the same."


def _objections(answer: Change) -> list[str]:
    if not answer.objections:
        return []
    head = "overridden by --force" if answer.forced else "not safe now"
    found = ["", head]
    for objection in answer.objections:
        found.append(f"    {objection.id}: {escape(objection.text)}")
        if objection.task is not None:
            found += [f"    {line}" for line in frame_lines(objection.task.frames)]
    return found


def _writes(answer: Change) -> list[str]:
    return ["", *write_table(answer.writes)] if answer.writes else []


def write_table(writes: Sequence[PlannedWrite], *more: tuple[str, Sequence[str]]) -> list[str]:
    """Return a line a write; ``more`` are columns in front: a heading and a cell a write."""
    headings = [heading for heading, _ in more]
    grid = table(*headings, "ADDRESS", "FIELD", "FUNCTION", "BY", "OLD", "NEW", "SO THAT")
    for number, write in enumerate(writes):
        add_row(
            grid,
            *(cells[number] for _, cells in more),
            write.address.bare,
            write.what,
            write.function,
            write.mechanism,
            f"{_value(write, write.old)} ({write.old_means})",
            f"{_value(write, write.new)} ({write.new_means})",
            write.why,
        )
    return lines(grid)


def _value(write: PlannedWrite, value: int) -> str:
    return f"{value:0{2 * write.size}x}"


def _notes(answer: Change) -> list[str]:
    if answer.outcome not in ("done", "planned") or not answer.notes:
        return []
    return ["", *answer.notes]


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _s(things: Sequence[object]) -> str:
    return "" if len(things) == 1 else "s"
