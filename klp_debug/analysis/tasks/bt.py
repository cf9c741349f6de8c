# SPDX-License-Identifier: GPL-2.0-or-later
"""The stack of a task, whether it runs or sleeps, and what livepatch makes of it."""

import dataclasses
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from drgn import Object

from klp_debug.analysis.tasks.traced_call import TracedCall, is_trampoline, traced_call
from klp_debug.analysis.tasks.unwind import Entries, Unwinder
from klp_debug.analysis.view.find_site import site_of_call
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.kernel.stack_frame import STACK_FRAME_LR_SAVE, exception_registers
from klp_debug.kernel.stacktrace import ReliableWalk, arch_stack_walk_reliable
from klp_debug.kernel.task import (
    task_comm,
    task_cpu,
    task_on_cpu,
    task_pid,
    task_stack,
    task_state_name,
)
from klp_debug.ppc64le.frame import FrameState, frame_state
from klp_debug.result.bt import Frame, TaskTrace
from klp_debug.result.registers import CpuRegisters, Registers
from klp_debug.result.unknown import Unknown, first_unknown, known
from klp_debug.targets.registers import MSR_PR, cpu_registers

RUNNING = "it runs: its stack changes"
_MAX_PARTS = 64
"""Of a stack: each but the first is behind an exception or a ftrace trampoline."""

Frames = Sequence[Frame | Unknown]


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
        :raises drgn.FaultError: if its PID cannot be read
        """
        attempt = self._view.problems.attempt
        pid = task_pid(task)
        where = f"task {pid}"
        cpu = attempt(where, task_cpu, task)
        running = attempt(where, lambda: bool(task_on_cpu(task)))
        stack = attempt(where, task_stack, task)
        entries = self._livepatch_stack(task, stack)
        frames = self._frames(task, running, cpu, stack, entries)
        return TaskTrace(
            pid=pid,
            comm=attempt(where, task_comm, task),
            cpu=cpu,
            running=running,
            state=attempt(where, task_state_name, task),
            frames=frames,
            livepatch_stack=tuple(
                entry if isinstance(entry, Unknown) else self._unwinder.describe(entry)
                for entry in entries
            ),
            unreliable=self._unreliable(task, running),
            in_patched=_in_patched(frames),
        )

    def has_livepatch_stack(self, task: Object) -> bool | Unknown:
        """
        Return whether something is on a task's livepatch stack, or that is damaged.

        :raises WalkError, drgn.FaultError: if the task itself cannot be read
        """
        entries = self._livepatch_stack(task, task_stack(task))
        missing = first_unknown(entries)
        return bool(entries) if missing is None else missing

    def reliable(self, task: Object) -> ReliableWalk:
        """
        Return what livepatch sees of a task that does not run.

        What cannot be read becomes a problem of the view.
        """
        where = f"stack of task {task_pid(task)}"
        walk = self._view.problems.attempt(where, self._reliable, task)
        if isinstance(walk, Unknown):
            return ReliableWalk((), walk)
        if isinstance(walk.broken, Unknown):
            return ReliableWalk(walk.addresses, self._view.problems.add(where, walk.broken.reason))
        return walk

    def is_text(self, address: int) -> bool | Unknown:
        """Return whether an address is in text: the kernel's, a module's, or made by the kernel."""
        return self._unwinder.text.is_text(address)

    def _reliable(self, task: Object) -> ReliableWalk:
        stack = task_stack(task)
        if stack is None:
            return ReliableWalk((), "it has no stack any more")
        return arch_stack_walk_reliable(task, stack, self.is_text)

    def _unreliable(self, task: Object, running: bool | Unknown) -> str | Unknown | None:
        if isinstance(running, Unknown):
            return running
        return RUNNING if running else self.reliable(task).broken

    def _livepatch_stack(self, task: Object, stack: range | Unknown | None) -> Entries:
        if stack is None:
            return ()
        if isinstance(stack, Unknown):
            return (stack,)
        return self._unwinder.livepatch_stack(task, stack)

    def _frames(
        self,
        task: Object,
        running: bool | Unknown,
        cpu: int | Unknown,
        stack: range | Unknown | None,
        entries: Entries,
    ) -> tuple[Frame | Unknown, ...]:
        if stack is None:
            return ()
        if isinstance(running, Unknown):
            return (running,)
        if isinstance(stack, Unknown):
            return (stack,)
        if running and isinstance(cpu, Unknown):
            return (cpu,)
        if isinstance(cpu, int) and running:
            registers = self.registers.of(cpu)
            if isinstance(registers, Unknown):
                return (registers,)
            walked = self._walk_from(task, _start(registers), entries)
            if registers.msr & MSR_PR:  # its kernel stack is empty
                return tuple(walked)
        else:
            where = f"stack of task {task_pid(task)}"
            found = self._view.problems.attempt(where, self._asleep, task, entries)
            walked = (found,) if isinstance(found, Unknown) else found
        return tuple(self._follow(task, walked, entries))

    def _asleep(self, task: Object, entries: Entries) -> Frames:
        return self._unwinder.frames(task, self._view.prog.stack_trace(task), entries)

    def _follow(self, task: Object, walked: Frames, entries: Entries) -> Iterator[Frame | Unknown]:
        """
        Go on where drgn's walk cannot, to the end.

        From the registers of each exception that interrupted the kernel, and from what each ftrace
        trampoline was called from.
        """
        rest = list(entries)
        for _ in range(_MAX_PARTS):
            number, behind = self._end_of_part(task, walked)
            yield from walked[:number]
            if behind is None:
                return
            if isinstance(behind, Unknown):
                yield behind
                return
            hidden = sum(frame.from_livepatch_stack for frame in known(walked[:number]))
            del rest[:hidden]
            if isinstance(behind, TracedCall):
                walked = tuple(self._behind_trampoline(task, behind, tuple(rest)))
            else:
                walked = self._walk_from(task, behind, tuple(rest))
        yield self._view.problems.add(
            f"stack of task {task_pid(task)}",
            f"it has more than {_MAX_PARTS} exceptions and calls of ftrace",
        )

    def _end_of_part(
        self, task: Object, frames: Frames
    ) -> tuple[int, _Start | TracedCall | Unknown | None]:
        """
        Return behind how many frames the walk must begin anew, and from what.

        Where it need not: all frames, and why there may be more.
        """
        where = f"stack of task {task_pid(task)}"
        behind: _Start | int | Unknown | None = None
        for number, frame in enumerate(frames, 1):
            if isinstance(frame, Unknown) or frame.sp is None or frame.inlined:
                continue
            if is_trampoline(frame.symbol):
                return number, self._traced_call(where, frame)
            behind = self._view.problems.attempt(where, self._behind, int(frame.sp))
            if isinstance(behind, (_Start, Unknown)):
                return number, behind
        if isinstance(behind, int) and not isinstance(frames[-1], Unknown):
            return len(frames), self._cut(where, behind)
        return len(frames), None

    def _traced_call(self, where: str, trampoline: Frame) -> TracedCall | Unknown:
        assert trampoline.sp is not None
        if trampoline.interrupted:
            return self._view.problems.add(
                where, f"{trampoline.symbol} may have no frame: it was interrupted there"
            )
        return self._view.problems.attempt(where, traced_call, self._view, int(trampoline.sp))

    def _behind_trampoline(
        self, task: Object, call: TracedCall, entries: Entries
    ) -> Iterator[Frame | Unknown]:
        if call.traced is not None:
            yield self._unwinder.shown(call.traced, call.sp, interrupted=False)
        start = _Start(gpr=(0, call.sp, *[0] * 30), nip=call.caller, msr=0, link=0)
        yield from self._walk_at(task, start, call.caller, entries, resumed=True)

    def _behind(self, sp: int) -> _Start | int | None:
        """
        Return what is behind a frame; None if the stack of the kernel ends with it.

        It is what an exception saved that interrupted the kernel, or the beginning of a frame.

        :raises drgn.FaultError: if it cannot be read
        """
        (back,) = struct.unpack("<Q", self._view.prog.read(sp, 8))
        if not back:
            return None
        found = exception_registers(self._view.prog, sp)
        if found is None:
            return int(back)
        if found.msr & MSR_PR:
            return None
        return _Start(gpr=found.gpr, nip=found.nip, msr=found.msr, link=found.link)

    def _cut(self, where: str, frame: int) -> Unknown:
        """Return why drgn, which does not tell, has not walked on to a frame."""
        found = self._view.problems.attempt(where, self._view.prog.read, frame, 8)
        if isinstance(found, Unknown):
            return found
        return self._view.problems.add(where, f"the walk does not go on to the frame at {frame:#x}")

    def _walk_from(self, task: Object, start: _Start, entries: Entries) -> Frames:
        """Walk from registers; after a wild branch from where LR says that it came."""
        sp = start.gpr[1]
        if start.msr & MSR_PR:
            return (self._unwinder.bare(start.nip, sp, interrupted=True),)
        text = self.is_text(start.nip)
        back = self._return_without_frame(start)
        missing = first_unknown((text, back))
        if missing is not None:
            return (self._unwinder.bare(start.nip, sp, interrupted=True), missing)
        if text is True and back is None:
            return self._walk_at(task, start, start.nip, entries, resumed=False)
        if isinstance(back, int):
            start = dataclasses.replace(start, link=back)
        return (
            self._unwinder.bare(start.nip, sp, interrupted=True),
            *self._behind_lr(task, start, entries, wild=text is False),
        )

    def _behind_lr(
        self, task: Object, start: _Start, entries: Entries, *, wild: bool
    ) -> Iterator[Frame | Unknown]:
        """Walk from where LR says that a function was called that has made no frame."""
        resume = start.link
        site = site_of_call(self._view, start.link) if wild else None
        if isinstance(site, Unknown):
            yield site
            return
        if site is not None:
            # The call came from an mcount site, whose function has no frame yet: r0 holds LR.
            ip = self._view.records[site].ip
            yield self._unwinder.bare(start.link, start.gpr[1], interrupted=False, site=ip)
            resume = start.gpr[0]
        text = self.is_text(resume)
        if isinstance(text, Unknown):
            yield text
        elif text:
            yield from self._walk_at(task, start, resume, entries, resumed=True)
        else:
            yield from self._behind_frame(task, start, entries)

    def _behind_frame(
        self, task: Object, start: _Start, entries: Entries
    ) -> Iterator[Frame | Unknown]:
        """
        Walk from where the frame at r1 returns to, if neither NIP nor LR is in text.

        The frame is that of a function whose module is gone, or of what branched to nowhere; but a
        function that has only saved LR may be between.
        """
        where = f"stack of task {task_pid(task)}"
        found = self._view.problems.attempt(where, self._caller_of_frame, start)
        if isinstance(found, Unknown):
            yield found
            return
        saved = self._view.problems.attempt(where, self._lr_saved_at, start.gpr[1])
        if isinstance(saved, Unknown):
            yield saved
        elif self.is_text(saved) is not False:
            yield self._view.problems.add(
                where, f"whether a function without a frame went to {start.nip:#x} is unknown"
            )
        if self.is_text(found.nip) is True:
            yield from self._walk_at(task, found, found.nip, entries, resumed=True)

    def _lr_saved_at(self, sp: int) -> int:
        place = (sp + STACK_FRAME_LR_SAVE) % (1 << 64)
        return int(struct.unpack("<Q", self._view.prog.read(place, 8))[0])

    def _caller_of_frame(self, start: _Start) -> _Start:
        """
        Return the registers of the caller of the function that the frame at r1 is of.

        :raises drgn.FaultError: if the frame cannot be read
        """
        (back,) = struct.unpack("<Q", self._view.prog.read(start.gpr[1], 8))
        gpr = (start.gpr[0], int(back), *start.gpr[2:])
        return dataclasses.replace(start, gpr=gpr, nip=self._lr_saved_at(int(back)))

    def _walk_at(
        self, task: Object, start: _Start, pc: int, entries: Entries, *, resumed: bool
    ) -> Frames:
        def walk() -> Frames:
            trace = self._view.prog.stack_trace(_pt_regs(task, start, pc))
            return self._unwinder.frames(task, trace, entries, resumed=resumed)

        where = f"stack of task {task_pid(task)} from {start.gpr[1]:#x}"
        frames = self._view.problems.attempt(where, walk)
        return (frames,) if isinstance(frames, Unknown) else frames

    def _return_without_frame(self, start: _Start) -> int | Unknown | None:
        """
        Return where a module's function returns to that has no frame of its own; None if it has.

        It has made none yet, or has taken it off. Of vmlinux's the debug info tells drgn.
        """
        pc = start.nip
        symbol = self._view.symbols.known_at(pc)
        if symbol is None or symbol.module is None or not symbol.is_function:
            return None
        attempt, where = self._view.problems.attempt, f"text of {symbol.name}"
        words = attempt(where, self._view.words, symbol.address, (pc - symbol.address) // 4)
        if isinstance(words, Unknown):
            return words
        state = frame_state(words)
        if state is FrameState.MADE:
            return None
        back: int | Unknown = start.link
        if state is FrameState.SAVED:
            back = attempt(f"the frame at {start.gpr[1]:#x}", self._lr_saved_at, start.gpr[1])
        called = back if isinstance(back, Unknown) else self.is_text(back)
        if isinstance(called, Unknown):
            return called
        return back if called else None


def _start(registers: Registers) -> _Start:
    return _Start(
        gpr=tuple(map(int, registers.gpr)),
        nip=int(registers.nip),
        msr=int(registers.msr),
        link=int(registers.link),
    )


def _in_patched(frames: Frames) -> bool | Unknown:
    """Return whether one of a task's frames has to do with a patch."""
    roles = [frame.role for frame in known(frames)]
    if any(isinstance(role, str) for role in roles):
        return True
    missing = first_unknown((*frames, *roles))
    return False if missing is None else missing


def _pt_regs(task: Object, start: _Start, pc: int) -> Object:
    """Return registers as drgn takes them to begin a walk at ``pc``."""
    return Object(
        task.prog_,
        "struct pt_regs",
        {"gpr": list(start.gpr), "nip": pc, "msr": start.msr, "link": start.link},
    )
