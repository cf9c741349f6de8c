# SPDX-License-Identifier: GPL-2.0-or-later
"""The answer of ``bt`` as text."""

from klp_debug.render.kernel import kernel_lines, problem_lines
from klp_debug.render.terminal import add_row, escape, lines, table
from klp_debug.result.bt import Frame, LivepatchEntryResult, TaskTrace, TraceList

_FIRST, _LAST = 40, 20
"""How many frames, or entries, of either end are shown where there are more than both."""


def trace_list_lines(answer: TraceList) -> list[str]:
    """Return the stack of each task."""
    found = [line for task in answer.tasks for line in ("", *task_lines(task))]
    return [
        *kernel_lines(answer.kernel),
        *(found or ["", "no such task"]),
        *problem_lines(answer.problems),
    ]


def task_lines(task: TaskTrace) -> list[str]:
    """Return whose stack it is, whether livepatch can trust it, and its frames."""
    head = f"{escape(task.comm)} ({task.pid})  {escape(task_doing(task))}"
    return [head, *_trust(task), *frame_lines(task.frames), *_livepatch_stack(task)]


def task_doing(task: TaskTrace) -> str:
    """Return whether a task runs and where, and whether it is in a patched function."""
    where = "" if task.cpu is None else f" on CPU {task.cpu}"
    doing = f"runs{where}" if task.running else f"{task.state}, last{where}"
    return f"{doing}, in a patched function" if task.in_patched else doing


def _trust(task: TaskTrace) -> list[str]:
    if task.unreliable is None or task.running:
        return []
    return [f"    unreliable: {escape(task.unreliable)}"]


def frame_lines(frames: tuple[Frame, ...]) -> list[str]:
    """Return a line a frame, the innermost first."""
    if not frames:
        return ["    no frame: its registers are not known"]
    grid = table()
    hidden = _hidden(len(frames))
    for number, frame in enumerate(frames):
        if number in hidden:
            if number == hidden.start:
                add_row(grid, "  ", "...", f"{len(hidden)} frames; --json has all", "")
            continue
        pc = " " * 16 if frame.inlined else frame.pc.bare
        add_row(grid, "  ", pc, frame.symbol or "in no symbol", "; ".join(frame_notes(frame)))
    return lines(grid)


def frame_notes(frame: Frame) -> list[str]:
    """Return what livepatch and the compiler have to do with a frame."""
    notes = []
    if frame.role == "original":
        notes.append(f"original of a function that {frame.patch} replaces")
    elif frame.role == "replacement":
        notes.append(f"replacement, of {frame.patch}")
    if frame.from_livepatch_stack:
        notes.append("from the livepatch stack")
    if frame.inlined:
        notes.append("inlined")
    return notes


def _livepatch_stack(task: TaskTrace) -> list[str]:
    entries = task.livepatch_stack
    hidden = _hidden(len(entries))
    shown = [f"    livepatch stack {livepatch_frame(entry)}" for entry in entries]
    if hidden:
        shown[hidden.start : hidden.stop] = [f"    ... {len(hidden)} entries; --json has all"]
    return shown


def _hidden(number: int) -> range:
    """Return which of so many rows are left out; none if they are not too many."""
    return range(_FIRST, number - _LAST) if number > _FIRST + _LAST else range(0)


def livepatch_frame(entry: LivepatchEntryResult) -> str:
    """Return where an entry of a livepatch stack is, and what it holds."""
    to = entry.lr_symbol or entry.lr.bare
    marker = "" if entry.intact else f"; MARKER DAMAGED: {entry.marker.bare}"
    return f"{entry.address.bare}: returns to {escape(to)}, r2 {entry.toc.bare}{marker}"
