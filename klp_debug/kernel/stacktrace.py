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
from klp_debug.kernel.stack_frame import HEAD_SIZE, STACK_FRAME_LR_SAVE, regs_marker

_OVERHEADS = (32, 48, 112)
"""What lies beside the registers, or alone, at the top of a stack: 112 in 6.1, the rest later."""
_MAX_FRAMES = 1 << 12


@dataclass(frozen=True, slots=True)
class ReliableWalk:
    """What livepatch sees of a sleeping task's stack."""

    addresses: tuple[int, ...]
    """Return addresses, the innermost first, up to where the walk ends."""
    broken: str | None
    """Why the stack is unreliable, in one clause; None if it is reliable."""


def arch_stack_walk_reliable(
    task: Object, stack: range, is_text: Callable[[int], bool]
) -> ReliableWalk:
    """
    Walk the stack of a task that does not run.

    >>> arch_stack_walk_reliable(task, task_stack(task), is_text).broken is None
    True

    :param task: ``struct task_struct *``
    :param stack: its kernel stack, addresses in bytes
    :param is_text: says whether an address is in the text of the kernel or a module
    :raises drgn.FaultError: if the task itself cannot be read
    """
    addresses: list[int] = []
    broken = _walk(task, stack, is_text, addresses)
    return ReliableWalk(tuple(addresses), broken)


def _walk(
    task: Object, stack: range, is_text: Callable[[int], bool], addresses: list[int]
) -> str | None:
    sp = task.thread.ksp.value_()
    ends = _ends(task, stack)
    if not stack.start < sp < max(ends):
        return f"its stack pointer {sp:#x} is not in its stack"
    for number in range(_MAX_FRAMES):
        if sp in ends:
            return None
        if sp & 0xF:
            return f"the frame at {sp:#x} is not aligned to 16 bytes"
        try:
            frame = task.prog_.read(sp, HEAD_SIZE)
        except FaultError:
            return f"the frame at {sp:#x} cannot be read"
        (next_sp,) = struct.unpack_from("<Q", frame)
        if next_sp <= sp:
            return f"the back chain at {sp:#x} does not lead up: {next_sp:#x}"
        if next_sp > max(ends):
            return f"the back chain at {sp:#x} leads out of the stack: {next_sp:#x}"
        # The first frame was never finished: nothing but its back chain is to be trusted.
        if number:
            broken = _broken_frame(task, sp, frame, is_text)
            if broken is not None:
                return broken
            addresses.append(struct.unpack_from("<Q", frame, STACK_FRAME_LR_SAVE)[0])
        sp = next_sp
    return f"it has more than {_MAX_FRAMES} frames"


def _ends(task: Object, stack: range) -> set[int]:
    """Return where the back chain may end: at the frame that ``copy_thread()`` made first."""
    registers = sizeof(task.prog_.type("struct pt_regs"))
    return {stack.stop - over - regs for over in _OVERHEADS for regs in (0, registers)}


def _broken_frame(
    task: Object, sp: int, frame: bytes, is_text: Callable[[int], bool]
) -> str | None:
    if regs_marker(frame) is not None:
        return f"an exception interrupted it: registers were saved at {sp:#x}"
    (lr,) = struct.unpack_from("<Q", frame, STACK_FRAME_LR_SAVE)
    if not is_text(lr):
        return f"the return address at {sp + STACK_FRAME_LR_SAVE:#x} is no text: {lr:#x}"
    if lr in _rethooks(task):
        return f"a kretprobe took the place of the return address at {sp + STACK_FRAME_LR_SAVE:#x}"
    return None


def _rethooks(task: Object) -> list[int]:
    """Return where a function returns to that a kretprobe or fprobe is on."""
    found = []
    for name in RETHOOK_TRAMPOLINES:
        try:
            found.append(task.prog_.symbol(name).address)
        except LookupError:
            continue
    return found
