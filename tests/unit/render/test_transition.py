# SPDX-License-Identifier: GPL-2.0-or-later
"""The text of ``transition``."""

import dataclasses

from klp_debug.render.as_text import as_text
from klp_debug.result.common import Problem
from klp_debug.result.unknown import AtLeast, Unknown
from tests.support.answers.transition import STALLED, WAITING
from tests.support.answers.with_text import HOSTILE, LONG, with_names
from tests.support.golden import Golden

NONE = dataclasses.replace(
    STALLED, patch=None, direction=None, since=None, now=None, switched=0, waiting=()
)


def test_a_task_that_waits(golden: Golden) -> None:
    golden("transition", "ordinary", as_text(STALLED))
    assert not STALLED.clean


def test_what_the_log_does_not_tell_is_left_out(golden: Golden) -> None:
    told = dataclasses.replace(STALLED, since=None, now=None, waiting=())
    golden("transition", "none-waits", as_text(told))


def test_a_log_that_ends_when_it_began(golden: Golden) -> None:
    """How long it lasts is not told below a second."""
    golden("transition", "just-begun", as_text(dataclasses.replace(STALLED, now=3.0)))


def test_a_task_without_the_flag() -> None:
    waiting = dataclasses.replace(WAITING, pending=False)
    text = as_text(dataclasses.replace(STALLED, waiting=(waiting,)))
    assert "to be switched (TIF_PATCH_PENDING is not set)\n" in text


def test_no_transition(golden: Golden) -> None:
    golden("transition", "empty", as_text(NONE))
    assert NONE.clean


def test_problems(golden: Golden) -> None:
    """The patch's name is not read, and neither are some tasks."""
    problems = (Problem("tasks", "the list runs in a cycle"), Problem("x", "y"))
    lost = Unknown("tasks: the list runs in a cycle")
    answer = dataclasses.replace(
        STALLED,
        patch=lost,
        since=lost,
        now=lost,
        switched=AtLeast(40, lost.reason),
        waiting=(WAITING, lost),
        problems=problems,
    )
    golden("transition", "problems", as_text(answer))


def test_whether_there_is_one_is_unknown(golden: Golden) -> None:
    lost = Unknown("klp_transition_patch: page 0x3ee0000 is not in the dump")
    answer = dataclasses.replace(
        STALLED,
        patch=lost,
        direction=lost,
        since=lost,
        now=lost,
        switched=AtLeast(0, lost.reason),
        waiting=(lost,),
        problems=(Problem("klp_transition_patch", "page 0x3ee0000 is not in the dump"),),
    )
    golden("transition", "unknown", as_text(answer))
    assert not answer.clean


def test_what_holds_a_task_is_unknown(golden: Golden) -> None:
    lost = Unknown("stack of task 52: page 0x3ee0000 is not in the dump")
    waiting = dataclasses.replace(
        WAITING,
        hold=lost,
        why=f"cannot be told: the rest of its stack is unknown ({lost.reason})",
        unblocks="cannot be told",
        pending=lost,
        doubt=lost,
    )
    golden("transition", "hold-unknown", as_text(dataclasses.replace(STALLED, waiting=(waiting,))))


def test_what_speaks_against_the_answer(golden: Golden) -> None:
    nothing = dataclasses.replace(
        WAITING,
        hold="nothing",
        why="nothing holds it",
        doubt="the kernel tries every second, and has not switched it for 62.8 s",
    )
    golden("transition", "doubtful", as_text(dataclasses.replace(STALLED, waiting=(nothing,))))
    lost = Unknown("log of the kernel: it is not in the dump")
    unread = dataclasses.replace(nothing, doubt=lost)
    text = as_text(dataclasses.replace(STALLED, waiting=(unread,)))
    assert f"    doubtful: unknown ({lost.reason})\n" in text


def test_hostile_names(golden: Golden) -> None:
    golden("transition", "hostile-names", as_text(with_names(STALLED, HOSTILE)))


def test_long_names(golden: Golden) -> None:
    golden("transition", "long-names", as_text(with_names(STALLED, LONG)))
