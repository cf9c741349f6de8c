# SPDX-License-Identifier: GPL-2.0-or-later
"""
Whether livepatch can trust the stack of a task.

The rules are those of ``arch_stack_walk_reliable()`` in arch/powerpc/kernel/stacktrace.c, by which
``klp_check_stack()`` decides; here they also tell which one is broken.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass

from drgn import FaultError, Object, sizeof

from klp_debug.kernel.ftrace_symbols import RETHOOK_TRAMPOLINES
from klp_debug.kernel.shadow_stack import RealReturns
from klp_debug.kernel.stack_frame import HEAD_SIZE, STACK_FRAME_LR_SAVE, regs_marker
from klp_debug.kernel.walk import WalkError
from klp_debug.result.unknown import Unknown

_OVERHEADS = (32, 48, 112)
"""What lies beside the registers, or alone, at the top of a stack: 112 in 6.1, the rest later."""
_MAX_FRAMES = 1 << 12


@dataclass(frozen=True, slots=True)
class ReliableWalk:
    """What livepatch sees of a sleeping task's stack."""

    addresses: tuple[int, ...]
    """Return addresses, the innermost first, up to where the walk ends."""
    broken: str | Unknown | None
    """
    Why the stack is unreliable, in one clause; None if it is reliable.

    Unknown if what decides it cannot be read.
    """


def arch_stack_walk_reliable(
    task: Object, stack: range, is_text: Callable[[int], bool | Unknown]
) -> ReliableWalk:
    """
    Walk the stack of a task that does not run.

    >>> arch_stack_walk_reliable(task, task_stack(task), is_text).broken is None
    True

    :param task: ``struct task_struct *``
    :param stack: its kernel stack, addresses in bytes
    :param is_text: says whether an address is in text, as ``__kernel_text_address()`` does
    :raises drgn.FaultError: if the task itself cannot be read
    """
    walk = _Walk(task, is_text)
    broken = walk.follow(stack)
    return ReliableWalk(tuple(walk.addresses), broken)


class _Walk:
    def __init__(self, task: Object, is_text: Callable[[int], bool | Unknown]) -> None:
        self._task = task
        self._is_text = is_text
        self._returns = RealReturns(task)
        self.addresses: list[int] = []

    def follow(self, stack: range) -> str | Unknown | None:
        sp = self._task.thread.ksp.value_()
        ends = _ends(self._task, stack)
        if not stack.start < sp < max(ends):
            return f"its stack pointer {sp:#x} is not in its stack"
        for number in range(_MAX_FRAMES):
            if sp in ends:
                return None
            if sp & 0xF:
                return f"the frame at {sp:#x} is not aligned to 16 bytes"
            try:
                frame = self._task.prog_.read(sp, HEAD_SIZE)
            except FaultError as fault:
                return Unknown(f"the frame at {sp:#x} cannot be read: {fault}")
            (next_sp,) = struct.unpack_from("<Q", frame)
            if next_sp <= sp:
                return f"the back chain at {sp:#x} does not lead up: {next_sp:#x}"
            if next_sp > max(ends):
                return f"the back chain at {sp:#x} leads out of the stack: {next_sp:#x}"
            # The first frame was never finished: nothing but its back chain is to be trusted.
            if number:
                broken = self._judge(sp, frame)
                if broken is not None:
                    return broken
            sp = next_sp
        return f"it has more than {_MAX_FRAMES} frames"

    def _judge(self, sp: int, frame: bytes) -> str | Unknown | None:
        """Take the return address of a frame; return why it breaks the walk, if it does."""
        if regs_marker(frame) is not None:
            return f"an exception interrupted it: registers were saved at {sp:#x}"
        (lr,) = struct.unpack_from("<Q", frame, STACK_FRAME_LR_SAVE)
        at = sp + STACK_FRAME_LR_SAVE
        text = self._is_text(lr)
        if isinstance(text, Unknown):
            return Unknown(f"whether the return address at {at:#x} is text: {text.reason}")
        if not text:
            return f"the return address at {at:#x} is no text: {lr:#x}"
        try:
            real = self._returns.real(lr, sp)
        except (FaultError, WalkError, LookupError) as error:
            return Unknown(f"where the function of the frame at {sp:#x} returns to: {error}")
        if real in _rethooks(self._task):
            return f"a kretprobe took the place of the return address at {at:#x}"
        self.addresses.append(real)
        return None


def _ends(task: Object, stack: range) -> set[int]:
    """Return where the back chain may end: at the frame that ``copy_thread()`` made first."""
    registers = sizeof(task.prog_.type("struct pt_regs"))
    return {stack.stop - over - regs for over in _OVERHEADS for regs in (0, registers)}


def _rethooks(task: Object) -> list[int]:
    """Return where a function returns to that a kretprobe or fprobe is on."""
    found = []
    for name in RETHOOK_TRAMPOLINES:
        try:
            found.append(task.prog_.symbol(name).address)
        except LookupError:
            continue
    return found
