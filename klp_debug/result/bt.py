# SPDX-License-Identifier: GPL-2.0-or-later
"""The answer of ``bt``: the stacks of tasks, with the frames that livepatch hides."""

from dataclasses import dataclass
from typing import Literal

from klp_debug.result.address import Address
from klp_debug.result.common import Problem
from klp_debug.result.kernel import Kernel
from klp_debug.result.unknown import Unknown, known

Role = Literal["original", "replacement", "retired"]
"""
What livepatch has to do with a function:

``original``
    a patch replaces it;
``replacement``
    a patch has it for an original;
``retired``
    it is in the module of a patch that is applied no more, but still loaded.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One frame of a stack."""

    pc: Address
    symbol: str | Unknown | None
    """``name+0xoffset [module]``; the bare name of an inlined function."""
    sp: Address | None
    """Beginning of the frame; None for one that is on the livepatch stack alone."""
    inlined: bool
    """Whether it is part of the next frame, as the debug info tells."""
    interrupted: bool
    """Whether an exception came here, so that ``pc`` is no return address."""
    from_livepatch_stack: bool
    """Whether a plain walk misses it: its return address was on the livepatch stack."""
    role: Role | Unknown | None
    """What livepatch has to do with the function, if anything."""
    patch: str | Unknown | None
    """The patch that the function is of; of an original, that on top of its func_stack."""
    from_shadow_stack: bool = False
    """
    Whether a plain walk has ``return_to_handler`` here.

    The function graph tracer keeps the real return address on the task's shadow stack.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class LivepatchEntryResult:
    """One entry of a task's livepatch stack."""

    address: Address
    toc: Address
    """r2 of the caller."""
    lr: Address
    """Where the replacement is to return to."""
    lr_symbol: str | Unknown | None
    marker: Address
    intact: bool
    """Whether the marker is STACK_END_MAGIC still."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskTrace:
    """The stack of one task."""

    pid: int
    comm: str | Unknown
    cpu: int | Unknown
    """Where it runs or ran last."""
    running: bool | Unknown
    state: str | Unknown
    frames: tuple[Frame | Unknown, ...]
    """
    The innermost first; where the walk could not go on, why.

    Of a running task whose registers are not known there is none.
    """
    livepatch_stack: tuple[LivepatchEntryResult | Unknown, ...]
    """The newest first."""
    unreliable: str | Unknown | None
    """Why livepatch cannot trust this stack, by ``arch_stack_walk_reliable()``; None if it can."""
    in_patched: bool | Unknown
    """Whether a frame is of a function that a patch replaces, or of a replacement."""


@dataclass(frozen=True, slots=True)
class TraceList:
    """The answer of ``bt``."""

    kernel: Kernel
    tasks: tuple[TaskTrace | Unknown, ...]
    problems: tuple[Problem, ...]

    @property
    def clean(self) -> bool:
        """Whether everything could be read, and every livepatch stack is intact."""
        return not self.problems and all(
            entry.intact for task in known(self.tasks) for entry in known(task.livepatch_stack)
        )
