# SPDX-License-Identifier: GPL-2.0-or-later
"""
The livepatch stack of a task, which grows up from the bottom of its kernel stack.

While a replacement runs, the TOC and the return address of the original's caller are only there.
How an entry is laid out is in no structure: :class:`EntryLayout` has what was found out.
Source: ``livepatch_handler`` in arch/powerpc/kernel/trace/ftrace_entry.S (before 6.6 in
ftrace_mprofile.S and ftrace_64_mprofile.S), ``klp_init_thread_info()`` in
arch/powerpc/include/asm/livepatch.h.
"""

from dataclasses import dataclass

from drgn import Object, Program, cast, sizeof

from klp_debug.kernel.walk import WalkError

STACK_END_MAGIC = 0x57AC6E9D


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryLayout:
    """Where an entry has what, in bytes from its beginning."""

    size: int
    """Of the whole entry, in bytes."""
    toc: int
    lr: int
    marker: int


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


def livepatch_stack(task: Object, stack: range) -> range:
    """
    Return where a task's livepatch stack is, as far as it is in use; empty if nothing is on it.

    >>> livepatch_stack(task, task_stack(task))  # it is in no replacement
    range(13835058055416414216, 13835058055416414216)

    :param task: ``struct task_struct *``
    :param stack: its kernel stack, addresses in bytes
    :raises WalkError: if ``livepatch_sp`` points nowhere where it can
    :raises drgn.FaultError: if it cannot be read
    """
    try:
        sp = _thread_info(task).livepatch_sp.value_()
    except AttributeError:  # no CONFIG_LIVEPATCH
        return range(0)
    base = _base(task)
    if not base <= sp <= stack.stop or sp % 8:
        raise WalkError(f"livepatch_sp {sp:#x} is none: that stack begins at {base:#x}")
    return range(base, sp)


def livepatch_stack_entries(
    prog: Program, used: range, layout: EntryLayout
) -> list[LivepatchEntry]:
    """
    Return the entries of a livepatch stack, the newest first.

    >>> livepatch_stack_entries(prog, range(0x8, 0x8), layout)  # nothing is on it
    []

    :param used: where the stack is: see :func:`livepatch_stack`
    :raises WalkError: if it does not end where an entry does
    :raises drgn.FaultError: if it cannot be read
    """
    if len(used) % layout.size:
        raise WalkError(
            f"livepatch_sp {used.stop:#x} is none: that stack begins at {used.start:#x}, in"
            f" entries of {layout.size} bytes"
        )
    data = prog.read(used.start, len(used))
    return [
        LivepatchEntry(
            address=used.start + at,
            toc=_u64(data, at + layout.toc),
            lr=_u64(data, at + layout.lr),
            marker=_u64(data, at + layout.marker),
        )
        for at in range(len(data) - layout.size, -1, -layout.size)
    ]


def _u64(data: bytes, offset: int) -> int:
    return int.from_bytes(data[offset : offset + 8], "little")


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
