# SPDX-License-Identifier: GPL-2.0-or-later
"""The answer of ``bt`` as text."""

from collections.abc import Sequence

from klp_debug.render.kernel import kernel_lines, problem_lines
from klp_debug.render.terminal import add_row, escape, lines, table
from klp_debug.result.bt import Frame, LivepatchEntryResult, TaskTrace, TraceList
from klp_debug.result.unknown import Unknown, counted, first_unknown

_FIRST, _LAST = 40, 20
"""How many frames, or entries, of either end are shown where there are more than both."""


def trace_list_lines(answer: TraceList) -> list[str]:
    """Return the stack of each task."""
    found = [line for task in answer.tasks for line in ("", *_of_task(task))]
    return [
        *kernel_lines(answer.kernel),
        *(found or ["", "no such task"]),
        *problem_lines(answer.problems),
    ]


def _of_task(task: TaskTrace | Unknown) -> list[str]:
    if isinstance(task, Unknown):
        return [f"unknown: {escape(task.reason)}"]
    return task_lines(task)


def task_lines(task: TaskTrace) -> list[str]:
    """Return whose stack it is, whether livepatch can trust it, and its frames."""
    comm = told(task.comm)
    head = f"{escape(comm)} ({task.pid})  {escape(task_doing(task))}"
    return [head, *_trust(task), *frame_lines(task.frames), *_livepatch_stack(task)]


def told(value: str | Unknown) -> str:
    """Return what is told of a thing, in one word if nothing is."""
    return "unknown" if isinstance(value, Unknown) else value


def task_doing(task: TaskTrace) -> str:
    """Return whether a task runs and where, and whether it is in a patched function."""
    cpu = "unknown" if isinstance(task.cpu, Unknown) else str(task.cpu)
    if isinstance(task.running, Unknown):
        doing = f"unknown whether it runs, last on CPU {cpu}"
    elif task.running:
        doing = f"runs on CPU {cpu}"
    elif isinstance(task.state, Unknown):
        doing = f"state unknown, last on CPU {cpu}"
    else:
        doing = f"{task.state}, last on CPU {cpu}"
    if isinstance(task.in_patched, Unknown):
        return f"{doing}, unknown whether in a patched function"
    return f"{doing}, in a patched function" if task.in_patched else doing


def _trust(task: TaskTrace) -> list[str]:
    if task.running is True or task.unreliable is None:
        return []
    if isinstance(task.unreliable, Unknown):
        return [f"    whether livepatch can trust it is unknown: {escape(task.unreliable.reason)}"]
    return [f"    unreliable: {escape(task.unreliable)}"]


def frame_lines(frames: tuple[Frame | Unknown, ...]) -> list[str]:
    """Return a line a frame, the innermost first."""
    if not frames:
        return ["    no frame: it has no stack any more"]
    grid = table()
    hidden = _hidden(frames)
    for number, frame in enumerate(frames):
        if number in hidden:
            if number == hidden.start:
                count = counted(len(hidden), first_unknown(frames))
                add_row(grid, "  ", "...", f"{count} frames; --json has all", "")
        elif isinstance(frame, Unknown):
            add_row(grid, "  ", "", "unknown", frame.reason)
        else:
            pc = " " * 16 if frame.inlined else frame.pc.bare
            symbol = "in no symbol" if frame.symbol is None else told(frame.symbol)
            add_row(grid, "  ", pc, symbol, "; ".join(frame_notes(frame)))
    return lines(grid)


def frame_notes(frame: Frame) -> list[str]:
    """Return what livepatch, tracing and the compiler have to do with a frame."""
    notes = []
    if isinstance(frame.role, Unknown):
        notes.append("unknown whether a patch has to do with it")
    elif frame.role is not None:
        patch = "an unknown patch" if isinstance(frame.patch, Unknown) else frame.patch
        if frame.role == "original":
            notes.append(f"original of a function that {patch} replaces")
        elif frame.role == "retired":
            notes.append(f"of {patch}, a patch that is applied no more")
        else:
            notes.append(f"replacement, of {patch}")
    if frame.from_livepatch_stack:
        notes.append("from the livepatch stack")
    if frame.from_shadow_stack:
        notes.append("traced: from the shadow stack")
    if frame.inlined:
        notes.append("inlined")
    return notes


def _livepatch_stack(task: TaskTrace) -> list[str]:
    entries = task.livepatch_stack
    hidden = _hidden(entries)
    shown = [f"    livepatch stack {_entry(entry)}" for entry in entries]
    if hidden:
        count = counted(len(hidden), first_unknown(entries))
        shown[hidden.start : hidden.stop] = [f"    ... {count} entries; --json has all"]
    return shown


def _entry(entry: LivepatchEntryResult | Unknown) -> str:
    if isinstance(entry, Unknown):
        return f"is unknown: {escape(entry.reason)}"
    return livepatch_frame(entry)


def _hidden(rows: Sequence[object]) -> range:
    """Return which of some rows are left out; none if they are not too many."""
    number = len(rows)
    if number <= _FIRST + _LAST:
        return range(0)
    # Where some are missing, the last ones are no end.
    return range(_FIRST, number - (_LAST if first_unknown(rows) is None else 1))


def livepatch_frame(entry: LivepatchEntryResult) -> str:
    """Return where an entry of a livepatch stack is, and what it holds."""
    to = entry.lr.bare if entry.lr_symbol is None else told(entry.lr_symbol)
    marker = "" if entry.intact else f"; MARKER DAMAGED: {entry.marker.bare}"
    return f"{entry.address.bare}: returns to {escape(to)}, r2 {entry.toc.bare}{marker}"
