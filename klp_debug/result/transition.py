# SPDX-License-Identifier: GPL-2.0-or-later
"""The answer of ``transition``: which tasks have not switched, and why."""

from dataclasses import dataclass
from typing import Literal

from klp_debug.result.bt import TaskTrace
from klp_debug.result.common import Problem
from klp_debug.result.kernel import Kernel
from klp_debug.result.list import Transition
from klp_debug.result.unknown import Number, Unknown

Hold = Literal["on its stack", "unreliable stack", "running", "nothing"]
"""
What keeps a task from switching, as ``klp_try_switch_task()`` decides:

``on its stack``
    a function that is to be switched is on its stack;
``unreliable stack``
    its stack cannot be trusted;
``running``
    it is on a CPU; it switches when it leaves the kernel or is scheduled;
``nothing``
    the next try switches it.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingTask:
    """One task that has not switched."""

    hold: Hold | Unknown
    why: str
    """In one clause, with the function or the frame."""
    unblocks: str
    """What would let it switch."""
    pending: bool | Unknown
    """Whether TIF_PATCH_PENDING is set, by which it switches itself where it can."""
    doubt: str | Unknown | None
    """What speaks against ``hold``, in one sentence; None if nothing does."""
    trace: TaskTrace


@dataclass(frozen=True, slots=True, kw_only=True)
class TransitionReport:
    """The answer of ``transition``."""

    kernel: Kernel
    patch: str | Unknown | None
    """The patch that is being switched; None if no transition is under way."""
    direction: Transition | Unknown | None
    since: float | Unknown | None
    """Seconds after boot when it began, if the kernel's log still tells."""
    now: float | Unknown | None
    """Seconds after boot of the last thing that the log tells: at least so long it lasts."""
    switched: Number
    """How many tasks have switched, idle ones too."""
    waiting: tuple[WaitingTask | Unknown, ...]
    problems: tuple[Problem, ...]

    @property
    def clean(self) -> bool:
        """Whether nothing holds a transition up, and everything could be read."""
        return not self.waiting and not self.problems
