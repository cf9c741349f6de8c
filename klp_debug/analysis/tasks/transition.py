# SPDX-License-Identifier: GPL-2.0-or-later
"""
A transition under way: who has not switched, and why.

Source: ``klp_try_switch_task()``, ``klp_check_stack()`` and ``klp_check_stack_func()`` in
kernel/livepatch/transition.c.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from drgn import Object

from klp_debug.analysis.patches.func_stacks import FuncStacks
from klp_debug.analysis.tasks.bt import TaskTracer
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.kernel.livepatch import (
    KLP_PATCHED,
    for_each_klp_func,
    for_each_klp_object,
    klp_func_old_address,
    klp_patch_name,
    klp_target_state,
    klp_transition_patch,
)
from klp_debug.kernel.task import (
    for_each_idle_task,
    for_each_task,
    task_is_kthread,
    task_patch_pending,
    task_patch_state,
)
from klp_debug.result.list import Transition
from klp_debug.result.transition import Hold, TransitionReport, WaitingTask


@dataclass(frozen=True, slots=True)
class _Blocker:
    """A function that must not be on the stack of a task that switches."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Progress:
    """How far a transition is."""

    switched: int
    """How many tasks have switched, idle ones too."""
    waiting: tuple[WaitingTask, ...]


class _Transition:
    def __init__(self, view: KernelView, patch: Object, target: int) -> None:
        self._view = view
        self._target = target
        self._tracer = TaskTracer(view)
        self._blockers = list(_blockers(view, patch, target))

    def progress(self) -> _Progress:
        prog, problems = self._view.prog, self._view.problems
        switched, waiting = 0, []
        for what, for_each, idle in (
            ("list of tasks", for_each_task, False),
            ("idle tasks", for_each_idle_task, True),
        ):
            with problems.noting(what):
                for task in for_each(prog):
                    with problems.noting(f"task at {task.value_():#x}"):
                        if task_patch_state(task) == self._target:
                            switched += 1
                        else:
                            waiting.append(self._explain(task, idle=idle))
        return _Progress(switched, tuple(waiting))

    def _explain(self, task: Object, *, idle: bool) -> WaitingTask:
        trace = self._tracer.trace(task)
        hold, why, unblocks = self._hold(task, running=trace.running, idle=idle)
        return WaitingTask(
            hold=hold, why=why, unblocks=unblocks, pending=task_patch_pending(task), trace=trace
        )

    def _hold(self, task: Object, *, running: bool, idle: bool) -> tuple[Hold, str, str]:
        """Decide as ``klp_check_and_switch_task()`` does."""
        if running and idle:
            return "running", "it is the idle task of its CPU", "it switches in the idle loop"
        if running:
            return (
                "running",
                "it is on a CPU",
                "it switches when it returns to user mode, or when it sleeps outside these"
                " functions",
            )
        walk = self._tracer.reliable(task)
        if walk.broken is not None:
            return (
                "unreliable stack",
                walk.broken,
                "it switches when it returns to user mode, or sleeps with a stack that can be"
                " trusted",
            )
        for address in walk.addresses:
            if any(blocker.start <= address < blocker.end for blocker in self._blockers):
                name = self._view.symbols.format(address - 1) or hex(address)
                return (
                    "on its stack",
                    f"it returns into {name.partition('+')[0]}{_module(name)}, which is to be"
                    " switched",
                    _how_to_leave(task),
                )
        return "nothing", "nothing holds it", "the next try switches it, within a second"


def _module(name: str) -> str:
    _, bracket, module = name.partition(" [")
    return f"{bracket}{module}"


def _how_to_leave(task: Object) -> str:
    if task_is_kthread(task):
        return "it must leave that function by itself: a kernel thread takes no signal"
    return (
        "it must leave that function: end what it waits for, or send it a signal if its sleep can"
        " be interrupted"
    )


def _blockers(view: KernelView, patch: Object, target: int) -> Iterator[_Blocker]:
    """Iterate over the functions that ``klp_check_stack_func()`` looks for."""
    stacks = FuncStacks(view)
    for obj in for_each_klp_object(patch):
        if not obj.patched:
            continue
        for func in for_each_klp_func(obj):
            if target != KLP_PATCHED:
                start, size = func.new_func.value_(), func.new_size.value_()
            else:
                stack = stacks.of_func(func)
                below = stack.funcs[1] if stack is not None and len(stack.funcs) > 1 else None
                if below is None:
                    start, size = klp_func_old_address(func), func.old_size.value_()
                else:
                    start, size = below.new_func.value_(), below.new_size.value_()
            yield _Blocker(start, start + size)


def transition(view: KernelView) -> TransitionReport:
    """
    Return whether a transition is under way, and who holds it up.

    >>> answer = transition(view)
    >>> answer.patch, answer.waiting  # none is under way
    (None, ())

    What cannot be read becomes a problem of the result.
    """
    patch = None
    target = KLP_PATCHED
    with view.problems.noting("klp_transition_patch"):
        patch = klp_transition_patch(view.prog)
        target = klp_target_state(view.prog)
    name, progress = None, _Progress(switched=0, waiting=())
    if patch is not None:
        with view.problems.noting(f"klp_patch {patch.value_():#x}"):
            name = klp_patch_name(patch)
            progress = _Transition(view, patch, target).progress()
    direction: Transition | None = None
    if patch is not None:
        direction = "patching" if target == KLP_PATCHED else "unpatching"
    since, now = _times(view, name)
    return TransitionReport(
        kernel=view.describe(),
        patch=name,
        direction=direction,
        since=since,
        now=now,
        switched=progress.switched,
        waiting=progress.waiting,
        problems=view.problems.all(),
    )


def _times(view: KernelView, patch: str | None) -> tuple[float | None, float | None]:
    """Return when the transition began and the last that the log tells, in seconds after boot."""
    if patch is None:
        return None, None
    start = re.compile(rf"livepatch: '{re.escape(patch)}': (?:starting|reversing) .*transition")
    times = [record.seconds for record in view.log if start.match(record.text)]
    if not times:
        return None, None
    return times[-1], max(record.seconds for record in view.log)
