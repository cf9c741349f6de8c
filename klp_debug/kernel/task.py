# SPDX-License-Identifier: GPL-2.0-or-later
"""
Tasks: which there are, where they run, their stacks, and what a livepatch transition says of them.

Source: include/linux/sched.h, include/linux/sched/signal.h, kernel/sched/sched.h and
arch/powerpc/include/asm/thread_info.h.
"""

from collections.abc import Iterator
from typing import Literal

from drgn import FaultError, Object, Program, sizeof
from drgn.helpers.linux.cpumask import for_each_possible_cpu
from drgn.helpers.linux.kthread import task_is_kthread
from drgn.helpers.linux.sched import (
    cpu_curr,
    get_task_state,
    idle_task,
    task_cpu,
    task_on_cpu,
    task_thread_info,
)

from klp_debug.kernel.walk import WalkError, c_array_string, for_each_list_entry

__all__ = (
    "PATCH_STATES",
    "PatchState",
    "cpu_curr",
    "find_tasks",
    "for_each_idle_task",
    "for_each_possible_cpu",
    "for_each_task",
    "idle_task",
    "task_comm",
    "task_cpu",
    "task_is_kthread",
    "task_ksp",
    "task_on_cpu",
    "task_patch_pending",
    "task_patch_state",
    "task_pid",
    "task_stack",
    "task_state_name",
    "thread_size",
)

PatchState = Literal["idle", "unpatched", "patched"]
PATCH_STATES: dict[int, PatchState] = {-1: "idle", 0: "unpatched", 1: "patched"}
"""
What ``task_struct.patch_state`` is called.

``KLP_TRANSITION_IDLE`` and so on; before Linux kernel commit d927752f287f ("livepatch: Rename
KLP_* to KLP_TRANSITION_*") (in v6.10) ``KLP_UNDEFINED``, ``KLP_UNPATCHED`` and ``KLP_PATCHED``.
"""

_TIF_PATCH_PENDING = 6  # the same on powerpc in every kernel since 4.12
_MIN_THREAD_SIZE = 1 << 13
_MAX_THREAD_SIZE = 1 << 20


def for_each_task(prog: Program) -> Iterator[Object]:
    """
    Iterate over all tasks but the idle ones: each process and its other threads.

    A damaged list of threads costs its process no more than the threads behind the damage; it is
    told when all other tasks were yielded.

    >>> [task_pid(task) for task in for_each_task(prog)][:3]
    [1, 2, 3]

    :return: iterator of ``struct task_struct *``; no task comes twice
    :raises WalkError, drgn.FaultError: where a list is damaged or unreadable, after the tasks that
        could be reached
    """
    head = prog["init_task"].tasks.address_of_()
    seen: set[int] = set()
    damage: WalkError | FaultError | None = None
    for leader in for_each_list_entry("struct task_struct", head, "tasks"):
        for task in _threads(leader):
            if isinstance(task, (WalkError, FaultError)):
                damage = damage or task
            elif task.value_() not in seen:
                seen.add(task.value_())
                yield task
    if damage is not None:
        raise damage


def _threads(leader: Object) -> Iterator[Object | WalkError | FaultError]:
    """Yield the threads of a process, its leader first, and at last what ended the walk."""
    yield leader
    try:
        signal = leader.signal.read_()
        if not signal:  # __exit_signal() took it: the process is as good as gone
            return
        head = signal.thread_head.address_of_()
        yield from for_each_list_entry("struct task_struct", head, "thread_node")
    except (WalkError, FaultError) as error:
        yield error


def for_each_idle_task(prog: Program) -> Iterator[Object]:
    """
    Iterate over the idle tasks (``swapper/N``) of the possible CPUs.

    A CPU that was never brought up has none.

    >>> [task_comm(task) for task in for_each_idle_task(prog)]
    ['swapper/0', 'swapper/1']

    :return: iterator of ``struct task_struct *``
    :raises drgn.FaultError: where a runqueue cannot be read
    """
    for cpu in for_each_possible_cpu(prog):
        task = idle_task(prog, cpu)
        if task:
            yield task


def find_tasks(prog: Program, name: str) -> list[Object]:
    """
    Return the tasks with a PID or a comm; PID 0 is every idle task's.

    >>> [task_comm(task) for task in find_tasks(prog, '1')]
    ['init']

    :param name: decimal digits are a PID
    :return: list of ``struct task_struct *``
    :raises WalkError, drgn.FaultError: if a list is damaged or unreadable and no task before that
        place has that name
    """
    wanted = int(name) if name.isascii() and name.isdecimal() else None
    if wanted == 0:
        return list(for_each_idle_task(prog))
    found = []
    try:
        for task in for_each_task(prog):
            if wanted is not None and task_pid(task) == wanted:
                return [task]
            if wanted is None and task_comm(task) == name:
                found.append(task)
    except (WalkError, FaultError):
        if not found:
            raise
    if wanted is None:
        found += [task for task in for_each_idle_task(prog) if task_comm(task) == name]
    return found


def task_pid(task: Object) -> int:
    """
    Return the PID that the initial namespace calls a task by; a thread's own, its TID.

    >>> task_pid(task)
    1
    """
    return int(task.pid.value_())


def task_comm(task: Object) -> str:
    """
    Return the name of a task, with what is not ASCII escaped.

    >>> task_comm(task)
    'init'

    :raises drgn.FaultError: if it cannot be read
    """
    return c_array_string(task.comm)


def task_state_name(task: Object) -> str:
    """
    Return the state as ``/proc/PID/status`` names it: ``running``, ``sleeping``, ``disk sleep``.

    ``unknown`` where ``task_state_array`` is damaged. One that is runnable is ``running``,
    whether a CPU has it or not.

    >>> task_state_name(task)
    'sleeping'

    :raises drgn.FaultError: if it cannot be read
    """
    try:
        _, _, name = get_task_state(task).partition("(")
    except (FaultError, LookupError, AttributeError):
        raise
    except Exception:  # what drgn raises of an array that it does not understand
        return "unknown"
    return name.rstrip(")") or "unknown"


def thread_size(prog: Program) -> int:
    """
    Return ``THREAD_SIZE`` in bytes.

    It is 16 KiB by default and more by ``CONFIG_THREAD_SHIFT`` or KASAN; the kernel's own type of
    a stack tells it.

    >>> thread_size(prog)
    16384

    :raises LookupError: if there is no such type
    :raises WalkError: if its size makes no sense
    """
    size: int = sizeof(prog.type("union thread_union").member("stack").type)
    if size & size - 1 or not _MIN_THREAD_SIZE <= size <= _MAX_THREAD_SIZE:
        raise WalkError(f"union thread_union has a stack of {size} bytes")
    return size


def task_stack(task: Object) -> range | None:
    """
    Return the addresses of a task's kernel stack, in bytes; None if it was freed already.

    >>> len(task_stack(task))
    16384

    :raises WalkError: if ``task->stack`` cannot be one
    :raises drgn.FaultError, LookupError: if it cannot be read
    """
    size = thread_size(task.prog_)
    start = int(task.stack.value_())
    if not start:
        return None
    if start % size or start + size > 1 << 64:
        raise WalkError(
            f"stack of task {task.value_():#x} is {start:#x}, not aligned to {size:#x} bytes"
        )
    return range(start, start + size)


def task_ksp(task: Object) -> int:
    """
    Return the stack pointer that a task left when it was switched away from (``thread.ksp``).

    It means nothing while the task runs.

    >>> hex(task_ksp(task))
    '0xc0000000023038e0'
    """
    return int(task.thread.ksp.value_())


def task_patch_state(task: Object) -> int | None:
    """
    Return ``patch_state``, whose values ``PATCH_STATES`` names.

    Since Linux kernel commit d83a7cb375ee ("livepatch: change to a per-task consistency model")
    (in v4.12). None without it or without ``CONFIG_LIVEPATCH``.

    >>> PATCH_STATES[task_patch_state(task)]
    'idle'
    """
    try:
        return int(task.patch_state.value_())
    except AttributeError:
        return None


def task_patch_pending(task: Object) -> bool:
    """
    Return whether a task is yet to switch in a transition (``TIF_PATCH_PENDING``).

    >>> task_patch_pending(task)
    False

    :raises drgn.FaultError: if its thread_info cannot be read
    """
    if task_patch_state(task) is None:
        return False
    return bool(task_thread_info(task).flags.value_() >> _TIF_PATCH_PENDING & 1)
