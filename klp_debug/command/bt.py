# SPDX-License-Identifier: GPL-2.0-or-later
"""``bt``: stacks with the frames that livepatch hides."""

import argparse

from klp_debug.analysis.tasks.bt import TaskTracer
from klp_debug.analysis.tasks.choose import choose_tasks
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.command.command import Argument, Command
from klp_debug.result.bt import TraceList


def run(view: KernelView, args: argparse.Namespace) -> TraceList:
    """
    Return the stacks of the tasks that ``args.task`` names.

    :raises TaskNotFoundError: if it names none
    """
    tasks = choose_tasks(view, args.task)
    tracer = TaskTracer(view)
    traces = []
    for task in tasks:
        with view.problems.noting(f"task at {task.value_():#x}"):
            trace = tracer.trace(task)
            if trace.in_patched or not args.in_patched:
                traces.append(trace)
    return TraceList(kernel=view.describe(), tasks=tuple(traces), problems=view.problems.all())


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
