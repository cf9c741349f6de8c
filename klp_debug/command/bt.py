# SPDX-License-Identifier: GPL-2.0-or-later
"""``bt``: stacks with the frames that livepatch hides."""

import argparse
from collections.abc import Iterable

from drgn import Object

from klp_debug.analysis.tasks.bt import TaskTracer
from klp_debug.analysis.tasks.choose import choose_tasks
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.command.command import Argument, Command
from klp_debug.result.bt import TaskTrace, TraceList
from klp_debug.result.unknown import Unknown


def run(view: KernelView, args: argparse.Namespace) -> TraceList:
    """
    Return the stacks of the tasks that ``args.task`` names.

    :raises TaskNotFoundError: if it names none
    """
    return trace_tasks(view, choose_tasks(view, args.task), in_patched=args.in_patched)


def trace_tasks(
    view: KernelView, tasks: Iterable[Object | Unknown], *, in_patched: bool
) -> TraceList:
    """
    Return the stacks of tasks, ``struct task_struct *`` each.

    :param in_patched: only of tasks inside a function that is live-patched, or its replacement
    """
    tracer = TaskTracer(view)
    traces: list[TaskTrace | Unknown] = []
    for task in tasks:
        if isinstance(task, Unknown):
            traces.append(task)
            continue
        trace = view.problems.attempt(f"task at {task.value_():#x}", tracer.trace, task)
        wanted = _is_wanted(trace, in_patched)
        if wanted is not False:
            traces.append(trace if wanted is True else wanted)
    return TraceList(kernel=view.describe(), tasks=tuple(traces), problems=view.problems.all())


def _is_wanted(trace: TaskTrace | Unknown, in_patched: bool) -> bool | Unknown:
    if isinstance(trace, Unknown) or not in_patched:
        return True
    if not isinstance(trace.in_patched, Unknown):
        return trace.in_patched
    return Unknown(f"whether task {trace.pid} is in a patched function: {trace.in_patched.reason}")


BT = Command(
    name="bt",
    summary="show stacks, with the frames that live patches hide",
    description=(
        "Shows the kernel stacks of tasks. While a replacement runs, the return address into its"
        " caller is only on the task's livepatch stack, and a plain walk misses that frame: here"
        " it is put back. Frames of originals and of replacements are marked with their patch,"
        " and a stack that livepatch itself cannot trust is told, with the reason."
    ),
    run_on=run,
    arguments=(
        Argument(
            ("task",),
            {
                "metavar": "PID|COMM|cpuN|0xTASK|crashed|all",
                "nargs": "?",
                "default": "all",
                "help": "whose stack: of a PID, of all tasks of a name, of what runs on a CPU, of"
                " a task_struct, of the task that crashed, or (default) of all tasks",
            },
        ),
        Argument(
            ("--in-patched",),
            {
                "action": "store_true",
                "help": "only tasks inside a function that is live-patched, or its replacement",
            },
        ),
    ),
    needs_livepatch=False,
)
