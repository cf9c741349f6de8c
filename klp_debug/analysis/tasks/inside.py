# SPDX-License-Identifier: GPL-2.0-or-later
"""The tasks that are still inside of a module's code."""

from klp_debug.analysis.tasks.bt import TaskTracer
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.kernel.task import for_each_task
from klp_debug.result.bt import TaskTrace
from klp_debug.result.list import TaskInside
from klp_debug.result.text import with_module
from klp_debug.result.unknown import Unknown, first_unknown, known


class TasksInside:
    """The stacks of all tasks, by which who is inside of a module is told."""

    def __init__(self, view: KernelView) -> None:
        """Trace every task; what cannot be read becomes a problem of the view."""
        tracer = view.once(TaskTracer)
        self._traces: list[TaskTrace | Unknown] = [
            task
            if isinstance(task, Unknown)
            else view.problems.attempt(f"task at {task.value_():#x}", tracer.trace, task)
            for task in view.problems.walk("list of tasks", for_each_task(view.prog)).listed
        ]

    def of(self, module: str) -> tuple[TaskInside | Unknown, ...]:
        """Return the tasks with a frame in a module; Unknown where one may have such a frame."""
        inside: list[TaskInside | Unknown] = []
        for trace in self._traces:
            if isinstance(trace, Unknown):
                inside.append(trace)
                continue
            found = frame_inside(trace, module)
            if isinstance(found, str):
                inside.append(TaskInside(pid=trace.pid, comm=trace.comm, frame=found))
            elif found is not None:
                inside.append(found)
        return tuple(inside)


def frame_inside(trace: TaskTrace, module: str) -> str | Unknown | None:
    """Return the innermost frame that a task has in a module; None if it has none there."""
    suffix = with_module("", module)
    symbols = [frame.symbol for frame in known(trace.frames) if not frame.inlined]
    for symbol in symbols:
        if isinstance(symbol, str) and symbol.endswith(suffix):
            return symbol
    return first_unknown((*trace.frames, *symbols))
