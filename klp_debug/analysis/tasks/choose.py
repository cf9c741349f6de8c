# SPDX-License-Identifier: GPL-2.0-or-later
"""The tasks that a user means by ``bt``'s argument."""

import re

from drgn import Object

from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.errors import CommandError
from klp_debug.kernel.panic import crash
from klp_debug.kernel.task import (
    cpu_curr,
    find_tasks,
    for_each_idle_task,
    for_each_possible_cpu,
    for_each_task,
)
from klp_debug.result.text import quoted


class TaskNotFoundError(CommandError):
    """What the user named is no task; the message says why, in one sentence."""


def choose_tasks(view: KernelView, spec: str) -> list[Object]:
    """
    Return the tasks that are meant, ``struct task_struct *`` each.

    :param spec: a PID, a comm, ``cpuN`` for what runs on CPU N, the address of a task_struct in
        hexadecimal, ``crashed`` for what ran on the CPU that crashed, or ``all``
    :raises TaskNotFoundError: if there is none
    """
    if spec == "all":
        return _all(view)
    if spec == "crashed":
        return [_crashed(view)]
    if match := re.fullmatch(r"cpu(\d+)", spec):
        return [_on_cpu(view, int(match[1]))]
    if re.fullmatch(r"0x[0-9a-fA-F]{1,16}", spec):
        return [_at(view, int(spec, 16))]
    tasks: list[Object] = []
    with view.problems.noting("list of tasks"):
        tasks = find_tasks(view.prog, spec)
    if not tasks:
        raise TaskNotFoundError(f"no task {quoted(spec)}: give a PID, a comm, cpuN or all")
    return tasks


def _all(view: KernelView) -> list[Object]:
    tasks: list[Object] = []
    with view.problems.noting("list of tasks"):
        tasks.extend(for_each_task(view.prog))
    with view.problems.noting("idle tasks"):
        tasks.extend(for_each_idle_task(view.prog))
    return tasks


def _crashed(view: KernelView) -> Object:
    found = None
    with view.problems.noting("which CPU crashed"):
        found = crash(view.prog)
    if found is None:
        raise TaskNotFoundError("no CPU crashed here: give a PID, a comm, cpuN or all")
    return found.task


def _on_cpu(view: KernelView, cpu: int) -> Object:
    possible = list(for_each_possible_cpu(view.prog))
    if cpu not in possible:
        numbers = ", ".join(map(str, possible))
        raise TaskNotFoundError(f"no CPU {cpu}: this kernel has {numbers}")
    return cpu_curr(view.prog, cpu)


def _at(view: KernelView, address: int) -> Object:
    for task in _all(view):
        if task.value_() == address:
            return task
    raise TaskNotFoundError(f"no task_struct of a task is at {address:#x}")
