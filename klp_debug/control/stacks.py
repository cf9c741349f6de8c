# SPDX-License-Identifier: GPL-2.0-or-later
"""
Where every task may still be: each address that its stack, its CPU or ftrace keeps to return to.

A task is inside a function if its PC is there, or if it is to return there. Return addresses are in
the LR save word of each frame (ELFv2 ABI, 2.2.3), in the registers that an exception saved, on the
livepatch stack, and, with the function graph tracer, on the task's shadow stack. Here they are
gathered from the bytes themselves, one or two reads a task: a walk by debug info is slower, and may
lose its way where ours must not. Where a back chain is broken, every word of the stack that is in
use counts, so that nothing is missed: then a place may be told that is only a leftover.

Source: arch/powerpc/kernel/stacktrace.c, arch/powerpc/kernel/trace/ftrace_entry.S.
"""

import struct
from dataclasses import dataclass

from drgn import Object, Program

from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.kernel.ftrace_symbols import RETHOOK_TRAMPOLINES, RETURN_TO_HANDLER
from klp_debug.kernel.livepatch_stack import livepatch_stack, livepatch_stack_entries
from klp_debug.kernel.shadow_stack import shadow_stack
from klp_debug.kernel.stack_frame import (
    REGS_BEHIND_MARKER,
    REGS_MARKERS,
    STACK_FRAME_LR_SAVE,
    STACK_FRAME_REGS_MARKER,
)
from klp_debug.kernel.task import task_stack, thread_size
from klp_debug.result.registers import Registers
from klp_debug.result.unknown import Unknown
from klp_debug.targets.registers import MSR_PR

_MAX_STACKS = 6
"""On the way down to a task's own stack: emergency, machine check, hard and soft interrupt."""
_MAX_FRAMES = 1 << 12
_EXCEPTION_WORDS = 60
"""Words in the frame of an exception at most: its head and ``struct pt_regs``."""
_LAST_FRAME = 1024
"""Bytes that the first frame of a stack takes at most, with the registers of user mode."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where a task, or a CPU, may still be."""

    addresses: frozenset[int]
    pcs: frozenset[int]
    """Those of ``addresses`` that are no return addresses: PCs of a CPU or of an exception."""
    guessed: bool
    """Whether leftovers may be among them, because a back chain is broken."""
    lost: str | None
    """Why something may be missing; None if nothing is."""


class StackReader:
    """Reads the stacks of one target."""

    def __init__(self, view: KernelView) -> None:
        """Prepare to read."""
        self._view = view
        self._prog: Program = view.prog
        self._thread_size = thread_size(view.prog)
        self._hiders = self._addresses(*RETHOOK_TRAMPOLINES)
        self._vectors = self._exception_vectors()
        self._graph = self._addresses(RETURN_TO_HANDLER)

    def _addresses(self, *names: str) -> set[int]:
        named = self._view.symbols.named
        return {symbol.address for name in names for symbol in named(name, "vmlinux")}

    def of_task(self, task: Object, sp: int) -> Places:
        """
        Return where a task may still be whose stack is in use from ``sp`` on.

        :raises WalkError, drgn.FaultError: if its stack cannot be read
        """
        stack = task_stack(task)
        if stack is None:
            return Places(addresses=frozenset(), pcs=frozenset(), guessed=False, lost=None)
        walk = _Walk(self._prog, self._thread_size)
        # The first frame is that of _switch(), which calls nobody.
        walk.follow(sp, stack, skip=1)
        self._replacements(walk, task, stack)
        return self._places(walk, task)

    def of_cpu(self, task: Object, registers: Registers) -> Places:
        """
        Return where the task that runs on a CPU may still be.

        :raises WalkError, drgn.FaultError: if its stack cannot be read
        """
        stack = task_stack(task) or range(0)
        walk = _Walk(self._prog, self._thread_size)
        gpr = [int(value) for value in registers.gpr]
        walk.pcs.add(int(registers.nip))
        if self.enters_exception(registers):
            if registers.srr0 is None:
                walk.lost = "its CPU is entering an exception, and SRR0 is not known"
            else:
                walk.pcs.add(int(registers.srr0))
        # A function that is being entered or left has its return address in LR or r0, and ftrace
        # has it in others.
        walk.addresses |= {int(registers.link), int(registers.ctr), *gpr}
        walk.follow(gpr[1], stack)
        if stack:
            self._replacements(walk, task, stack)
        return self._places(walk, task)

    def _replacements(self, walk: "_Walk", task: Object, stack: range) -> None:
        """Gather where the replacements return to that a task is in."""
        used = livepatch_stack(task, stack)
        layout = self._view.livepatch_entry if used else None
        if layout is None:
            return
        if isinstance(layout, Unknown):
            # Whatever is on it may be a return address.
            words = struct.unpack(f"<{len(used) // 8}Q", self._prog.read(used.start, len(used)))
            walk.guessed = True
            walk.addresses |= set(words)
        else:
            entries = livepatch_stack_entries(self._prog, used, layout)
            walk.addresses |= {entry.lr for entry in entries}

    def in_user_mode(self, registers: Registers) -> bool:
        """Return whether a CPU is in user mode, or was until the exception that it is entering."""
        if registers.msr & MSR_PR:
            return True
        entering = self.enters_exception(registers)
        return entering and registers.srr1 is not None and bool(registers.srr1 & MSR_PR)

    def enters_exception(self, registers: Registers) -> bool:
        """Return whether a CPU is where only SRR0 and SRR1 tell what it was doing."""
        return int(registers.nip) in self._vectors  # a range searches for what is no plain int

    def _exception_vectors(self) -> range:
        named = self._view.symbols.named
        start, end = named("_stext", "vmlinux"), named("__end_interrupts", "vmlinux")
        return range(start[0].address, end[0].address) if start and end else range(0)

    def reaches(self, sp: int, stack: range) -> bool:
        """
        Return whether a back chain from ``sp`` leads to a stack.

        :raises drgn.FaultError: if it cannot be read
        """
        walk = _Walk(self._prog, self._thread_size)
        walk.follow(sp, stack)
        return walk.reached

    def _places(self, walk: "_Walk", task: Object) -> Places:
        addresses = walk.addresses | walk.pcs
        lost = walk.lost
        if addresses & self._graph:
            shadow = shadow_stack(task)
            # All words of it: one that is pushed or popped just now is in use, and not counted.
            addresses |= set(shadow.words) if shadow is not None else set()
        if addresses & self._hiders:
            lost = "a kretprobe took the place of a return address on its stack"
        return Places(
            addresses=frozenset(addresses),
            pcs=frozenset(walk.pcs),
            guessed=walk.guessed,
            lost=lost,
        )


class _Walk:
    """Follows a back chain down to the stack of a task, and to its end."""

    def __init__(self, prog: Program, size: int) -> None:
        self._prog = prog
        self._size = size
        self.addresses: set[int] = set()
        self.pcs: set[int] = set()
        self.guessed = False
        self.reached = False
        self.lost: str | None = None

    def follow(self, sp: int, stack: range, *, skip: int = 0) -> None:
        """
        Follow from a stack pointer, over the stacks of interrupts, to the end of the task's.

        :param skip: frames at first whose LR save word means nothing
        """
        for _ in range(_MAX_STACKS):
            own = sp in stack
            # Every stack is aligned to its size (alloc_stack() of setup_64.c, THREAD_ALIGN).
            end = stack.stop if own else (sp & -self._size) + self._size
            if sp % 8 or not sp:
                self.lost = self.lost or f"its stack pointer {sp:#x} is none"
                return
            words = struct.unpack(f"<{(end - sp) // 8}Q", self._prog.read(sp, (end - sp) // 8 * 8))
            next_sp = self._one_stack(words, sp, end, skip, own=own)
            if own:
                self.reached = True
                return
            skip = 0
            if next_sp is None:
                self.lost = self.lost or f"the back chain from {sp:#x} does not lead to its stack"
                return
            sp = next_sp
        self.lost = f"the back chain runs over more than {_MAX_STACKS} stacks"

    def _one_stack(
        self, words: tuple[int, ...], sp: int, end: int, skip: int, *, own: bool
    ) -> int | None:
        """Gather from one stack; return where the chain leaves it, None if it ends there."""
        at = 0
        for number in range(_MAX_FRAMES):
            self._frame(words, at, skip=number < skip)
            back = words[at]
            up = sp + 8 * at < back < end and back % 16 == 0
            if not up:
                # A task's chain ends in 0 or in the user's r1, in the frame that it began with; an
                # interrupt's leads to the stack that it interrupted.
                last = end - (sp + 8 * at) <= _LAST_FRAME
                if last if own else not sp <= back < end and back % 16 == 0:
                    return back or None
                break
            at = (back - sp) // 8
        # The chain is broken: whatever is there may be a return address.
        self.guessed = True
        self.addresses |= set(words)
        return None

    def _frame(self, words: tuple[int, ...], at: int, *, skip: bool) -> None:
        lr = at + STACK_FRAME_LR_SAVE // 8
        if lr < len(words) and not skip:
            self.addresses.add(words[lr])
        for offset in REGS_MARKERS:
            marker = at + offset // 8
            if marker < len(words) and words[marker] == STACK_FRAME_REGS_MARKER:
                # struct pt_regs, whose 33rd word is the PC.
                first = marker + REGS_BEHIND_MARKER // 8
                registers = words[first : first + _EXCEPTION_WORDS]
                self.addresses |= set(registers)
                self.pcs |= set(registers[32:33])


def inside(places: Places, start: int, size: int) -> bool:
    """
    Return whether one of the places is in a function, or is to return into it.

    A call may be the last instruction of a function: it returns to the address behind it. None
    returns to the first, whose address is in r12 and CTR whenever the function was called.
    """
    return any(start <= pc < start + size for pc in places.pcs) or any(
        start < address <= start + size for address in places.addresses - places.pcs
    )
