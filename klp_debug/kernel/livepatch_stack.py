# SPDX-License-Identifier: GPL-2.0-or-later
"""
The livepatch stack of a task, which grows up from the bottom of its kernel stack.

While a replacement runs, the TOC and the return address of the original's caller are only there.
Source: ``livepatch_handler`` in arch/powerpc/kernel/trace/ftrace_entry.S (before 6.6 in
ftrace_mprofile.S and ftrace_64_mprofile.S), ``klp_init_thread_info()`` in
arch/powerpc/include/asm/livepatch.h.
"""

import struct
from dataclasses import dataclass

from drgn import Object, cast, sizeof

from klp_debug.kernel.walk import WalkError

STACK_END_MAGIC = 0x57AC6E9D
_ENTRY = struct.Struct("<3Q")
"""r2, return address, STACK_END_MAGIC."""
ENTRY_SIZE = _ENTRY.size
"""In bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LivepatchEntry:
    """What ``livepatch_handler`` put by for one call of a replacement."""

    address: int
    toc: int
    """r2 of the caller."""
    lr: int
    """Where the replacement is to return to, in the caller of the original."""
    marker: int

    @property
    def intact(self) -> bool:
        """Whether its marker is still there; ``livepatch_handler`` traps where it is not."""
        return self.marker == STACK_END_MAGIC


def livepatch_stack_entries(task: Object, stack: range) -> list[LivepatchEntry]:
    """
    Return the entries of a task's livepatch stack, the newest first; none if it has none.

    >>> livepatch_stack_entries(task, task_stack(task))  # it is in no replacement
    []

    :param task: ``struct task_struct *``
    :param stack: its kernel stack, addresses in bytes
    :raises WalkError: if ``livepatch_sp`` points nowhere where it can
    :raises drgn.FaultError: if it cannot be read
    """
    try:
        sp = _thread_info(task).livepatch_sp.value_()
    except AttributeError:  # no CONFIG_LIVEPATCH
        return []
    base = _base(task)
    if not base <= sp <= stack.stop or (sp - base) % ENTRY_SIZE:
        raise WalkError(
            f"livepatch_sp {sp:#x} is none: that stack begins at {base:#x}, in entries of"
            f" {ENTRY_SIZE} bytes"
        )
    data = task.prog_.read(base, sp - base)
    entries = [
        LivepatchEntry(address=base + number * ENTRY_SIZE, toc=toc, lr=lr, marker=marker)
        for number, (toc, lr, marker) in enumerate(_ENTRY.iter_unpack(data))
    ]
    return entries[::-1]


def _thread_info(task: Object) -> Object:
    try:
        return task.thread_info
    except AttributeError:
        # Before Linux kernel commit ed1cd6deb013 ("powerpc: Activate CONFIG_THREAD_INFO_IN_TASK")
        # (in v5.1) it is at the bottom of the stack.
        return cast("struct thread_info *", task.stack)


def _base(task: Object) -> int:
    """Return where an empty livepatch stack ends: ``end_of_stack(task) + 1``."""
    bottom = int(task.stack.value_())
    if not task.prog_.type("struct task_struct").has_member("thread_info"):
        bottom += sizeof(task.prog_.type("struct thread_info"))
    return bottom + 8
