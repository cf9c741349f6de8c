# SPDX-License-Identifier: GPL-2.0-or-later
"""
A transition under way: who has not switched, and why.

Source: ``klp_try_switch_task()``, ``klp_check_stack()`` and ``klp_check_stack_func()`` in
kernel/livepatch/transition.c.
"""

import re
from dataclasses import dataclass

from drgn import Object

from klp_debug.analysis.patches.under_way import UnderWay, transition_under_way
from klp_debug.analysis.tasks.blockers import Blocker, blockers
from klp_debug.analysis.tasks.bt import TaskTracer
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.analysis.view.walked import Walked
from klp_debug.kernel.livepatch import klp_patch_name
from klp_debug.kernel.task import (
    for_each_idle_task,
    for_each_task,
    task_is_kthread,
    task_patch_pending,
    task_patch_state,
)
from klp_debug.result.transition import Hold, TransitionReport, WaitingTask
from klp_debug.result.unknown import Unknown, counted, first_unknown

_TRIES = 10
"""Seconds; the kernel has tried in vain so many times, at least, where a doubt is told."""


def transition(view: KernelView) -> TransitionReport:
    """
    Return whether a transition is under way, and who holds it up.

    >>> answer = transition(view)
    >>> answer.patch, answer.waiting  # none is under way
    (None, ())

    What cannot be read is ``Unknown``, and becomes a problem of the result.
    """
    under_way = view.once(transition_under_way)
    if isinstance(under_way, UnderWay):
        return _Transition(view, under_way).report()
    waiting = () if under_way is None else (under_way,)
    return TransitionReport(
        kernel=view.describe(),
        patch=under_way,
        direction=under_way,
        since=under_way,
        now=under_way,
        switched=counted(0, under_way),
        waiting=waiting,
        problems=view.problems.all(),
    )


@dataclass(frozen=True, slots=True)
class _Held:
    """What keeps a task from switching."""

    hold: Hold | Unknown
    why: str
    unblocks: str


class _Transition:
    def __init__(self, view: KernelView, under_way: UnderWay) -> None:
        self._view = view
        self._under_way = under_way
        self._tracer = view.once(TaskTracer)
        self._blockers: Walked[Blocker] = blockers(view, under_way)
        where = f"klp_patch {under_way.patch.value_():#x}"
        self._name = view.problems.attempt(where, klp_patch_name, under_way.patch)
        self._since, self._now = self._times()

    def report(self) -> TransitionReport:
        prog, walk = self._view.prog, self._view.problems.walk
        self._switched = 0
        self._waiting: list[WaitingTask | Unknown] = []
        for tasks, idle in (
            (walk("list of tasks", for_each_task(prog)), False),
            (walk("idle tasks", for_each_idle_task(prog)), True),
        ):
            for task in tasks.listed:
                self._look_at(task, idle=idle)
        return TransitionReport(
            kernel=self._view.describe(),
            patch=self._name,
            direction=self._under_way.direction,
            since=self._since,
            now=self._now,
            switched=counted(self._switched, first_unknown(self._waiting)),
            waiting=tuple(self._waiting),
            problems=self._view.problems.all(),
        )

    def _look_at(self, task: Object | Unknown, *, idle: bool) -> None:
        if isinstance(task, Unknown):
            self._waiting.append(task)
            return
        where = f"task at {task.value_():#x}"
        state = self._view.problems.attempt(where, task_patch_state, task)
        if isinstance(state, Unknown):
            self._waiting.append(state)
        elif state == self._under_way.target:
            self._switched += 1
        else:
            explain = self._view.problems.attempt(where, self._explain, task, idle)
            self._waiting.append(explain)

    def _explain(self, task: Object, idle: bool) -> WaitingTask:
        trace = self._tracer.trace(task)
        held = self._held(task, running=trace.running, idle=idle)
        return WaitingTask(
            hold=held.hold,
            why=held.why,
            unblocks=held.unblocks,
            pending=self._view.problems.attempt(
                f"thread_info of task {trace.pid}", task_patch_pending, task
            ),
            doubt=self._doubt(held),
            trace=trace,
        )

    def _held(self, task: Object, *, running: bool | Unknown, idle: bool) -> _Held:
        """Decide as ``klp_check_and_switch_task()`` does."""
        if isinstance(running, Unknown):
            return _unknown(running, "whether it runs")
        if running and idle:
            return _Held(
                "running", "it is the idle task of its CPU", "it switches in the idle loop"
            )
        if running:
            return _Held(
                "running",
                "it is on a CPU",
                "it switches when it returns to user mode, or when it sleeps outside these"
                " functions",
            )
        walk = self._tracer.reliable(task)
        if isinstance(walk.broken, str):
            return _Held(
                "unreliable stack",
                walk.broken,
                "it switches when it returns to user mode, or sleeps with a stack that can be"
                " trusted",
            )
        found = self._first_blocker(walk.addresses)
        if isinstance(walk.broken, Unknown):
            seen = "" if found is None else f"; as far as it could be read, {_returns_into(found)}"
            return _unknown(walk.broken, f"the rest of its stack{seen}")
        if found is not None:
            others = self._blockers.missing
            rest = "" if others is None else "; some of these functions are unknown"
            return _Held("on its stack", f"{_returns_into(found)}{rest}", self._how_to_leave(task))
        if self._blockers.missing is not None:
            return _unknown(self._blockers.missing, "which functions are to be switched")
        return _Held("nothing", "nothing holds it", "the next try switches it, within a second")

    def _first_blocker(self, addresses: tuple[int, ...]) -> str | None:
        """Name the function that is to be switched and that a task returns into first."""
        for address in addresses:
            if any(each.start <= address < each.end for each in self._blockers):
                name = self._view.symbols.label(address - 1)
                bare, offset, rest = name.partition("+")
                _, bracket, module = rest.partition(" [")
                return f"{bare}{bracket}{module}" if offset else name
        return None

    def _how_to_leave(self, task: Object) -> str:
        kthread = self._view.problems.attempt(f"task at {task.value_():#x}", task_is_kthread, task)
        if isinstance(kthread, Unknown):
            return "it must leave that function; whether it takes signals is unknown"
        if kthread:
            return "it must leave that function by itself: a kernel thread takes no signal"
        return (
            "it must leave that function: end what it waits for, or send it a signal if its sleep"
            " can be interrupted"
        )

    def _doubt(self, held: _Held) -> str | Unknown | None:
        """Say what speaks against that nothing holds a task."""
        missing = first_unknown((held.hold, self._since, self._now))
        if held.hold != "nothing" and not isinstance(held.hold, Unknown):
            return None
        if missing is not None:
            return missing
        if not isinstance(self._since, float) or not isinstance(self._now, float):
            return None  # the log does not tell it any more
        lasted = self._now - self._since
        if lasted < _TRIES:
            return None
        return (
            f"the kernel tries every second, and has not switched it for {lasted:.1f} s: it sees"
            " this stack otherwise, unless the task came here just now"
        )

    def _times(self) -> tuple[float | Unknown | None, float | Unknown | None]:
        """Return when it began and the last that the log tells, in seconds after boot."""
        if isinstance(self._name, Unknown):
            return self._name, self._name
        log = self._view.log
        if log.missing is not None:
            return log.missing, log.missing
        start = re.compile(
            rf"livepatch: '{re.escape(self._name)}': (?:starting|reversing) .*transition"
        )
        times = [record.seconds for record in log if start.match(record.text)]
        if not times:
            return None, None
        return times[-1], max(record.seconds for record in log)


def _unknown(unknown: Unknown, what: str) -> _Held:
    """Return that it cannot be told what holds a task."""
    return _Held(
        unknown,
        f"cannot be told: {what} is unknown ({unknown.reason})",
        "cannot be told",
    )


def _returns_into(function: str) -> str:
    return f"it returns into {function}, which is to be switched"
