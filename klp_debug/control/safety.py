# SPDX-License-Identifier: GPL-2.0-or-later
"""
Whether functions may be switched now.

A stopped kernel may be in the middle of anything. Nobody may be changing what is to be written, nor
be inside a version that is to be left: livepatch's own rule (``klp_check_stack()``), with what it
needs not ask, since it never sees a CPU that runs.
"""

from collections.abc import Iterator, Sequence

from drgn import Object
from drgn.helpers.linux.cpumask import for_each_online_cpu

from klp_debug.analysis.tasks.bt import TaskTracer
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.analysis.view.problem_log import UNREADABLE, reason
from klp_debug.control.ftrace_path import Gates
from klp_debug.control.plan import Plan, Switch
from klp_debug.control.stacks import Places, StackReader, inside
from klp_debug.kernel.livepatch import klp_patch_name, klp_transition_patch
from klp_debug.kernel.mutex import mutex_owner
from klp_debug.kernel.task import (
    cpu_curr,
    for_each_idle_task,
    for_each_task,
    task_comm,
    task_cpu,
    task_ksp,
    task_on_cpu,
    task_pid,
    task_stack,
)
from klp_debug.result.control import Objection, ObjectionId
from klp_debug.result.registers import Registers
from klp_debug.result.unknown import Unknown

_MUTEXES: tuple[tuple[str, ObjectionId, str], ...] = (
    ("klp_mutex", "klp-mutex-held", "a patch is being enabled, disabled or switched"),
    ("ftrace_lock", "ftrace-lock-held", "ftrace is changing its ops or its sites"),
    ("text_mutex", "text-mutex-held", "kernel text is being patched"),
)


def objections(view: KernelView, plan: Plan) -> tuple[Objection, ...]:
    """
    Return all that speaks against doing a plan now.

    What cannot be read is an objection, too.
    """
    return (*_busy(view), *_Tasks(view, plan.switches).objections())


def _busy(view: KernelView) -> Iterator[Objection]:
    """Say what the kernel is in the middle of."""
    for name, id_, what in _MUTEXES:
        try:
            owner = mutex_owner(view.prog[name])
            if owner is not None:
                yield Objection(id_, f"{name} is held by {_who(owner)}: {what}")
        except UNREADABLE as error:
            yield Objection(id_, f"who holds {name} cannot be read: {reason(error)}")
    try:
        patch = klp_transition_patch(view.prog)
        if patch is not None:
            name = klp_patch_name(patch)
            yield Objection("transition-in-progress", f"a transition of {name} is in progress")
    except UNREADABLE as error:
        text = f"whether a transition is in progress cannot be read: {reason(error)}"
        yield Objection("transition-in-progress", text)


class _Tasks:
    """Looks at every task and every CPU."""

    def __init__(self, view: KernelView, switches: Sequence[Switch]) -> None:
        self._view = view
        self._switches = switches
        self._tracer = TaskTracer(view)

    def objections(self) -> list[Objection]:
        found: list[Objection] = []
        if not self._switches:
            return found
        try:
            self._reader = StackReader(self._view)
            self._gates = Gates(self._view, [switch.function for switch in self._switches])
            found += self._of_cpus()
            for task in (*for_each_task(self._view.prog), *for_each_idle_task(self._view.prog)):
                found += self._of_task(task)
        except UNREADABLE as error:
            found.append(Objection("tasks-unread", f"not every task can be seen: {reason(error)}"))
        return found

    def _of_cpus(self) -> Iterator[Objection]:
        """Look at what runs on each CPU."""
        self._on_cpu: set[int] = set()
        """The tasks whose stacks are those that CPUs are on."""
        for cpu in for_each_online_cpu(self._view.prog):
            registers = self._tracer.registers.of(cpu)
            task = cpu_curr(self._view.prog, cpu)
            if isinstance(registers, Unknown):
                text = (
                    f"what CPU {cpu} is running, {_who(task)}, is not known: its registers are not"
                )
                yield Objection("registers-unknown", text)
            else:
                yield from self._of_registers(cpu, task, registers)

    def _of_registers(self, cpu: int, task: Object, registers: Registers) -> Iterator[Objection]:
        self._on_cpu.add(task.value_())
        if self._reader.in_user_mode(registers):
            return  # its kernel stack is empty
        task = self._owner_of_stack(cpu, task, int(registers.gpr[1]))
        self._on_cpu.add(task.value_())
        yield from self._judge(task, self._reader.of_cpu(task, registers))

    def _owner_of_stack(self, cpu: int, current: Object, sp: int) -> Object:
        """
        Return the task whose stack a CPU is on.

        In the middle of ``context_switch()`` it is not yet, or no more, that of ``rq->curr``.
        """
        stack = task_stack(current)
        if stack is not None and self._reader.reaches(sp, stack):
            return current
        for task in (*for_each_task(self._view.prog), *for_each_idle_task(self._view.prog)):
            other = task_stack(task)
            if task_on_cpu(task) and task_cpu(task) == cpu and other is not None and sp in other:
                # The current one was switched away from, or is yet to be switched to.
                self._on_cpu.discard(current.value_())
                return task
        return current

    def _of_task(self, task: Object) -> Iterator[Objection]:
        if task.value_() in self._on_cpu:
            return
        if task_on_cpu(task) and isinstance(self._tracer.registers.of(task_cpu(task)), Unknown):
            return  # told of its CPU already
        try:
            places = self._reader.of_task(task, task_ksp(task))
        except UNREADABLE as error:
            text = f"where {_who(task)} is cannot be told: {reason(error)}"
            yield Objection("stack-unknown", text, self._tracer.trace(task))
        else:
            yield from self._judge(task, places)

    def _judge(self, task: Object, places: Places) -> Iterator[Objection]:
        who = _who(task)
        for switch in self._switches:
            leaves = switch.leaves
            if inside(places, leaves.start, leaves.size):
                may = "may be" if places.guessed else "is"
                text = f"{who} {may} inside {leaves.name}, which would be switched"
                yield Objection("task-inside", text, self._tracer.trace(task))
                return
        gate = self._gates.holding(places)
        if gate is not None:
            may = "may be" if places.guessed else "is"
            text = f"{who} {may} in {gate}, on its way from a mcount site to what it calls"
            yield Objection("in-flight", text, self._tracer.trace(task))
        elif places.lost is not None:
            text = f"where {who} is cannot be told: {places.lost}"
            yield Objection("stack-unknown", text, self._tracer.trace(task))


def _who(task: Object) -> str:
    return f"{task_comm(task)} ({task_pid(task)})"
