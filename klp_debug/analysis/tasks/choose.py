# SPDX-License-Identifier: GPL-2.0-or-later
"""The tasks that a user means by ``bt``'s argument."""

import re
from collections.abc import Callable, Iterator

from drgn import Object

from klp_debug.analysis.tasks.crashed import crashed
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.analysis.view.walked import Walked
from klp_debug.errors import CommandError
from klp_debug.kernel.task import (
    cpu_curr,
    for_each_idle_task,
    for_each_possible_cpu,
    for_each_task,
    task_comm,
    task_pid,
)
from klp_debug.result.text import quoted
from klp_debug.result.unknown import Unknown, first_unknown


class TaskNotFoundError(CommandError):
    """What the user named is no task; the message says why, in one sentence."""


def choose_tasks(view: KernelView, spec: str) -> tuple[Object | Unknown, ...]:
    """
    Return the tasks that are meant, ``struct task_struct *`` each.

    Where not every task can be seen, ``Unknown`` comes last.

    :param spec: a PID, a comm, ``cpuN`` for what runs on CPU N, the address of a task_struct in
        hexadecimal, ``crashed`` for what ran on the CPU that crashed, or ``all``
    :raises TaskNotFoundError: if there is none, or it cannot be told whether there is
    """
    if spec == "all":
        return _all(view).listed
    if spec == "crashed":
        return (_crashed(view),)
    if match := re.fullmatch(r"cpu(\d+)", spec):
        return (_on_cpu(view, int(match[1])),)
    if re.fullmatch(r"0x[0-9a-fA-F]{1,16}", spec):
        return (task_at(view, int(spec, 16)),)
    decimal = spec.isascii() and spec.isdecimal()
    tasks = _of_pid(view, int(spec)) if decimal else _of_comm(view, spec)
    if tasks.items:
        return tasks.listed
    if tasks.missing is not None:
        raise TaskNotFoundError(
            f"whether there is a task {quoted(spec)} cannot be told: {tasks.missing.reason}"
        )
    raise TaskNotFoundError(f"no task {quoted(spec)}: give a PID, a comm, cpuN or all")


def _all(view: KernelView) -> Walked[Object]:
    tasks = view.problems.walk("list of tasks", for_each_task(view.prog))
    idle = view.problems.walk("idle tasks", for_each_idle_task(view.prog))
    return _joined(tasks, idle)


def _of_pid(view: KernelView, pid: int) -> Walked[Object]:
    """Return the task with a PID; 0 is that of each idle task."""
    if pid == 0:
        return view.problems.walk("idle tasks", for_each_idle_task(view.prog))
    # No other has it: once it is found, the rest of the list does not matter.
    return _those(
        view, "list of tasks", for_each_task(view.prog), lambda task: task_pid(task) == pid, most=1
    )


def _of_comm(view: KernelView, comm: str) -> Walked[Object]:
    def fits(task: Object) -> bool:
        return task_comm(task) == comm

    return _joined(
        _those(view, "list of tasks", for_each_task(view.prog), fits),
        _those(view, "idle tasks", for_each_idle_task(view.prog), fits),
    )


def _joined(tasks: Walked[Object], idle: Walked[Object]) -> Walked[Object]:
    return Walked((*tasks, *idle), first_unknown((tasks.missing, idle.missing)))


def _those(
    view: KernelView,
    where: str,
    tasks: Iterator[Object],
    fits: Callable[[Object], bool],
    most: int | None = None,
) -> Walked[Object]:
    """
    Return the tasks that fit; one of which that cannot be told is missing.

    :param most: with so many found, the rest is not looked at
    """
    found: list[Object] = []
    unread: list[Unknown] = []

    def looked_at() -> Iterator[None]:
        for task in tasks:
            yes = view.problems.attempt(f"task at {task.value_():#x}", fits, task)
            if isinstance(yes, Unknown):
                unread.append(yes)
            elif yes:
                found.append(task)
                if len(found) == most:
                    return
            yield

    missing = view.problems.walk(where, looked_at()).missing
    if len(found) == most:
        return Walked(tuple(found), None)
    return Walked(tuple(found), first_unknown((missing, *unread)))


def _crashed(view: KernelView) -> Object:
    found = crashed(view)
    if found is None:
        raise TaskNotFoundError("no CPU crashed here: give a PID, a comm, cpuN or all")
    if isinstance(found, Unknown):
        raise TaskNotFoundError(f"whether the kernel crashed cannot be told: {found.reason}")
    if isinstance(found.cpu, Unknown):
        raise TaskNotFoundError(
            f"on which CPU the kernel crashed cannot be told: {found.cpu.reason}"
        )
    if isinstance(found.task, Unknown):
        raise TaskNotFoundError(
            f"what ran on CPU {found.cpu}, which crashed, cannot be told: {found.task.reason}"
        )
    return found.task


def _on_cpu(view: KernelView, cpu: int) -> Object:
    possible = view.problems.attempt("CPUs", lambda: list(for_each_possible_cpu(view.prog)))
    if isinstance(possible, Unknown):
        raise TaskNotFoundError(f"whether there is a CPU {cpu} cannot be told: {possible.reason}")
    if cpu not in possible:
        numbers = ", ".join(map(str, possible))
        raise TaskNotFoundError(f"no CPU {cpu}: this kernel has {numbers}")
    task = view.problems.attempt(f"runqueue of CPU {cpu}", cpu_curr, view.prog, cpu)
    if isinstance(task, Unknown):
        raise TaskNotFoundError(f"what runs on CPU {cpu} cannot be told: {task.reason}")
    return task


def task_at(view: KernelView, address: int) -> Object:
    """
    Return the task whose ``struct task_struct`` is at an address.

    :raises TaskNotFoundError: if there is none, or it cannot be told whether there is
    """
    tasks = _all(view)
    for task in tasks:
        if task.value_() == address:
            return task
    if tasks.missing is not None:
        raise TaskNotFoundError(
            f"whether a task_struct of a task is at {address:#x} cannot be told:"
            f" {tasks.missing.reason}"
        )
    raise TaskNotFoundError(f"no task_struct of a task is at {address:#x}")
