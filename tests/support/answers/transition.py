# SPDX-License-Identifier: GPL-2.0-or-later
"""Answers of ``transition`` built by hand."""

import dataclasses

from klp_debug.result.transition import TransitionReport, WaitingTask
from tests.support.answers.bt import SLEEPER
from tests.support.answers.kernel import KERNEL

TASK = dataclasses.replace(SLEEPER, frames=SLEEPER.frames[1:2], livepatch_stack=())
WAITING = WaitingTask(
    hold="on its stack",
    why="it returns into wait_here [leaf_probe], which is to be switched",
    unblocks="it must leave that function",
    pending=True,
    doubt=None,
    trace=TASK,
)
STALLED = TransitionReport(
    kernel=KERNEL,
    patch="wait_patch",
    direction="patching",
    since=2.5,
    now=65.25,
    switched=40,
    waiting=(WAITING,),
    problems=(),
)
