# SPDX-License-Identifier: GPL-2.0-or-later
"""The answer of ``bt``: the stacks of tasks, with the frames that livepatch hides."""

from dataclasses import dataclass
from typing import Literal

from klp_debug.result.address import Address
from klp_debug.result.common import Problem
from klp_debug.result.kernel import Kernel

Role = Literal["original", "replacement"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One frame of a stack."""

    pc: Address
    symbol: str | None
    """``name+0xoffset [module]``; the bare name of an inlined function."""
    sp: Address | None
    """Beginning of the frame; None for one that is on the livepatch stack alone."""
    inlined: bool
    """Whether it is part of the next frame, as the debug info tells."""
    interrupted: bool
    """Whether an exception came here, so that ``pc`` is no return address."""
    from_livepatch_stack: bool
    """Whether a plain walk misses it: its return address was on the livepatch stack."""
    role: Role | None
    """What livepatch has to do with the function, if anything."""
    patch: str | None
    """The patch of a replacement; of an original, that on top of its func_stack."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LivepatchEntryResult:
    """One entry of a task's livepatch stack."""

    address: Address
    toc: Address
    """r2 of the caller."""
    lr: Address
    """Where the replacement is to return to."""
    lr_symbol: str | None
    marker: Address
    intact: bool
    """Whether the marker is STACK_END_MAGIC still."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskTrace:
    """The stack of one task."""

    pid: int
    comm: str
    cpu: int | None
    """Where it runs or ran last."""
    running: bool
    state: str
    frames: tuple[Frame, ...]
    """The innermost first; none of a running task whose registers are not known."""
    livepatch_stack: tuple[LivepatchEntryResult, ...]
    """The newest first."""
    unreliable: str | None
    """Why livepatch cannot trust this stack, by ``arch_stack_walk_reliable()``; None if it can."""
    in_patched: bool
    """Whether a frame is of a function that a patch replaces, or of a replacement."""


@dataclass(frozen=True, slots=True)
class TraceList:
    """The answer of ``bt``."""

    kernel: Kernel
    tasks: tuple[TaskTrace, ...]
    problems: tuple[Problem, ...]

    @property
    def clean(self) -> bool:
        """Whether everything could be read, and every livepatch stack is intact."""
        return not self.problems and all(
            entry.intact for task in self.tasks for entry in task.livepatch_stack
        )
