# SPDX-License-Identifier: GPL-2.0-or-later
"""The stack of a task, whether it runs or sleeps, and what livepatch makes of it."""

from dataclasses import dataclass
from functools import cached_property

from drgn import Object

from klp_debug.analysis.tasks.unwind import Unwinder
from klp_debug.analysis.view.find_site import site_of_call
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.kernel.livepatch_stack import LivepatchEntry
from klp_debug.kernel.stack_frame import exception_registers
from klp_debug.kernel.stacktrace import ReliableWalk, arch_stack_walk_reliable
from klp_debug.kernel.symbols import KERNEL_TEXT
from klp_debug.kernel.task import (
    task_comm,
    task_cpu,
    task_on_cpu,
    task_pid,
    task_stack,
    task_state_name,
)
from klp_debug.ppc64le.instruction import makes_frame
from klp_debug.result.bt import Frame, TaskTrace
from klp_debug.result.registers import CpuRegisters, Registers
from klp_debug.targets.registers import MSR_PR, cpu_registers

RUNNING = "it runs: its stack changes"
_MAX_EXCEPTIONS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class _Start:
    """Where a walk begins."""

    gpr: tuple[int, ...]
    nip: int
    msr: int
    link: int


class TaskTracer:
    """Traces tasks of one target."""

    def __init__(self, view: KernelView) -> None:
        """Prepare to trace."""
        self._view = view
        self._unwinder = Unwinder(view)

    @cached_property
    def registers(self) -> CpuRegisters:
        """Those of every CPU; what a dump lacks becomes a problem of the view."""
        registers = cpu_registers(self._view.target)
        if self._view.target.core is not None:  # of a running kernel nobody expects them
            self._view.problems.extend(list(registers.problems))
        return registers

    def trace(self, task: Object) -> TaskTrace:
        """
        Return the stack of a task; what cannot be read becomes a problem of the view.

        :param task: ``struct task_struct *``
        :raises WalkError, drgn.FaultError: if the task itself cannot be read
        """
        stack = task_stack(task) or range(0)
        entries = self._unwinder.livepatch_stack(task, stack) if stack else ()
        running = bool(task_on_cpu(task))
        frames: tuple[Frame, ...] = ()
        with self._view.problems.noting(f"stack of task {task_pid(task)}"):
            if running:
                registers = self.registers.of(task_cpu(task))
                if registers is not None:
                    frames = self._from_registers(task, registers, entries)
            else:
                frames = self._unwinder.frames(self._view.prog.stack_trace(task), entries)
        return TaskTrace(
            pid=task_pid(task),
            comm=task_comm(task),
            cpu=task_cpu(task),
            running=running,
            state=task_state_name(task),
            frames=frames,
            livepatch_stack=tuple(self._unwinder.describe(entry) for entry in entries),
            unreliable=RUNNING if running else self.reliable(task).broken,
            in_patched=any(frame.role is not None for frame in frames),
        )

    def has_livepatch_stack(self, task: Object) -> bool:
        """
        Return whether something is on a task's livepatch stack, or that is damaged.

        :raises WalkError, drgn.FaultError: if the task itself cannot be read
        """
        stack = task_stack(task)
        return bool(stack and self._unwinder.livepatch_stack(task, stack))

    def reliable(self, task: Object) -> ReliableWalk:
        """
        Return what livepatch sees of a task that does not run.

        :raises WalkError, drgn.FaultError: if the task itself cannot be read
        """
        stack = task_stack(task)
        if stack is None:
            return ReliableWalk((), "it has no stack any more")
        return arch_stack_walk_reliable(task, stack, self.is_text)

    def _from_registers(
        self, task: Object, registers: Registers, entries: tuple[LivepatchEntry, ...]
    ) -> tuple[Frame, ...]:
        """Walk from registers, and on from those of each exception that interrupted the kernel."""
        frames: list[Frame] = []
        rest = list(entries)
        start = _Start(
            gpr=tuple(map(int, registers.gpr)),
            nip=int(registers.nip),
            msr=int(registers.msr),
            link=int(registers.link),
        )
        for _ in range(_MAX_EXCEPTIONS):
            walked = self._walk_from(task, start, tuple(rest))
            number, behind = self._exception(walked)
            frames += walked[:number]
            if behind is None:
                break
            hidden = sum(frame.from_livepatch_stack for frame in walked[:number])
            del rest[:hidden]
            start = behind
        return tuple(frames)

    def _exception(self, frames: tuple[Frame, ...]) -> tuple[int, _Start | None]:
        """Return behind how many frames an exception saved the kernel's registers, and those."""
        for number, frame in enumerate(frames, 1):
            if frame.sp is None or frame.inlined:
                continue
            found = exception_registers(self._view.prog, int(frame.sp))
            if found is not None and not found.msr & MSR_PR:
                return number, _Start(gpr=found.gpr, nip=found.nip, msr=found.msr, link=found.link)
        return len(frames), None

    def _walk_from(
        self, task: Object, start: _Start, entries: tuple[LivepatchEntry, ...]
    ) -> tuple[Frame, ...]:
        """Walk from registers; after a wild branch from where LR says that it came."""
        prog, sp = self._view.prog, start.gpr[1]
        if self.is_text(start.nip) and not (
            self.is_text(start.link) and self._frameless(start.nip)
        ):
            trace = prog.stack_trace(_pt_regs(task, start, start.nip))
            return self._unwinder.frames(trace, entries)
        frames = [self._unwinder.bare(start.nip, sp, interrupted=True)]
        resume = start.link
        index = site_of_call(self._view, start.link)
        if index is not None and not self.is_text(start.nip):
            # The call came from an mcount site, whose function has no frame yet: r0 holds LR.
            ip = self._view.records[index].ip
            frames.append(self._unwinder.bare(start.link, sp, interrupted=False, site=ip))
            resume = start.gpr[0]
        with self._view.problems.noting(f"stack of task {task_pid(task)} from {sp:#x}"):
            if self.is_text(resume):
                trace = prog.stack_trace(_pt_regs(task, start, resume))
                frames += self._unwinder.frames(trace, entries, resumed=True)
        return tuple(frames)

    def _frameless(self, pc: int) -> bool:
        """
        Return whether a module's function has made no frame yet, so that LR tells its caller.

        Of vmlinux's the debug info tells drgn. A heuristic: all is taken to be run that lies
        between the function's beginning and the address.
        """
        symbol = self._view.symbols.covering(pc)
        if symbol is None or symbol.module is None or not symbol.is_function:
            return False
        with self._view.problems.noting(f"text of {symbol.name}"):
            words = self._view.words(symbol.address, (pc - symbol.address) // 4)
            return not any(makes_frame(word) for word in words)
        return False

    def is_text(self, address: int) -> bool:
        """Return whether an address is in the kernel's text, or in a function of a module."""
        if any(start <= address < end for start, end in self._kernel_text):
            return True
        symbol = self._view.symbols.covering(address)
        return symbol is not None and symbol.is_function

    @cached_property
    def _kernel_text(self) -> list[tuple[int, int]]:
        """Where it begins and ends; assembly in it has symbols that are no functions."""
        named = self._view.symbols.named
        return [
            (named(start, "vmlinux")[0].address, named(end, "vmlinux")[0].address)
            for start, end in KERNEL_TEXT
            if named(start, "vmlinux") and named(end, "vmlinux")
        ]


def _pt_regs(task: Object, start: _Start, pc: int) -> Object:
    """Return registers as drgn takes them to begin a walk at ``pc``."""
    return Object(
        task.prog_,
        "struct pt_regs",
        {"gpr": list(start.gpr), "nip": pc, "msr": start.msr, "link": start.link},
    )
