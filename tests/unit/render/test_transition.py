# SPDX-License-Identifier: GPL-2.0-or-later
"""The text of ``transition``."""

import dataclasses

from klp_debug.render.as_text import as_text
from klp_debug.result.common import Problem
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
    answer = dataclasses.replace(STALLED, patch=None, problems=problems)
    golden("transition", "problems", as_text(answer))


def test_hostile_names(golden: Golden) -> None:
    golden("transition", "hostile-names", as_text(with_names(STALLED, HOSTILE)))


def test_long_names(golden: Golden) -> None:
    golden("transition", "long-names", as_text(with_names(STALLED, LONG)))
