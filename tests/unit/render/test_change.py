# SPDX-License-Identifier: GPL-2.0-or-later
"""The text of ``arm``, ``disarm`` and ``undo``."""

import dataclasses

from klp_debug.render.as_text import as_text
from klp_debug.render.change import plan_lines
from klp_debug.result.address import Address
from klp_debug.result.common import Problem
from tests.support.answers.change import DONE, INSIDE, WRITE
from tests.support.answers.with_text import HOSTILE, LONG, with_names
from tests.support.golden import Golden


def test_it_was_done(golden: Golden) -> None:
    golden("disarm", "ordinary", as_text(DONE))
    assert DONE.clean


def test_it_is_not_safe(golden: Golden) -> None:
    refused = dataclasses.replace(
        DONE, outcome="refused", objections=(INSIDE,), skipped=(), operation=None
    )
    golden("disarm", "refused", as_text(refused))
    assert not refused.clean
    forced = dataclasses.replace(refused, outcome="done", forced=True, operation=4)
    golden("disarm", "forced", as_text(forced))
    assert forced.clean


def test_what_will_be_done(golden: Golden) -> None:
    """What a prompt shows before it asks."""
    plan = dataclasses.replace(DONE, outcome="planned", objections=(INSIDE,), operation=None)
    golden("disarm", "plan", "\n".join(plan_lines(plan)))
    golden("disarm", "planned", as_text(plan))


def test_every_size_of_a_write(golden: Golden) -> None:
    word = dataclasses.replace(
        WRITE,
        what="instruction",
        mechanism="site",
        size=4,
        old=Address(0x4800045D),
        new=Address(0x60000000),
        old_means="bl",
        new_means="nop",
    )
    flag = dataclasses.replace(word, what="klp_func.nop", mechanism="nop", size=1, old=Address(0))
    flag = dataclasses.replace(flag, new=Address(1), old_means="false", new_means="true")
    answer = dataclasses.replace(
        DONE, action="arm", writes=(WRITE, word, flag), skipped=(), notes=()
    )
    golden("arm", "ordinary", as_text(answer))


def test_undo(golden: Golden) -> None:
    answer = dataclasses.replace(DONE, action="undo", subject="the last operation")
    golden("undo", "ordinary", as_text(answer))


def test_nothing_to_do(golden: Golden) -> None:
    answer = dataclasses.replace(
        DONE, outcome="nothing to do", writes=(), skipped=(), notes=(), operation=None
    )
    golden("disarm", "empty", as_text(answer))


def test_problems(golden: Golden) -> None:
    problems = (Problem("registers", "are not there"), Problem("x", "y"))
    golden("disarm", "problems", as_text(dataclasses.replace(DONE, problems=problems)))


def test_hostile_names(golden: Golden) -> None:
    every = dataclasses.replace(
        DONE, outcome="unfinished", reason="why", objections=(INSIDE,), forced=True
    )
    golden("disarm", "hostile-names", as_text(with_names(every, HOSTILE)))


def test_long_names(golden: Golden) -> None:
    golden("disarm", "long-names", as_text(with_names(DONE, LONG)))


def lines(**changes: object) -> list[str]:
    answer = dataclasses.replace(DONE, writes=(), skipped=(), notes=(), **changes)  # type: ignore[arg-type]
    return as_text(answer).splitlines()[3:]


def test_other_ends() -> None:
    assert lines(outcome="planned") == [
        "leaf_patch: 0 functions would be disarmed. Nothing was written."
    ]
    assert lines(outcome="declined") == ["leaf_patch: not disarmed. Nothing was written."]
    assert lines(outcome="nothing left", action="undo", subject="the last operation") == [
        "the last operation: nothing was taken back: what was written is gone with what it was"
        " written to; operation 3 of the journal says so"
    ]
    assert lines(outcome="nothing to do", action="arm") == [
        "leaf_patch: nothing to do. Nothing was written."
    ]
    assert lines(outcome="refused", reason="it cannot be\x1b[31m") == [
        "leaf_patch: not disarmed: it cannot be\\x1b[31m",
        "Nothing was written.",
    ]
    assert lines(outcome="failed", reason="the disk is full") == [
        "leaf_patch: not disarmed: the disk is full",
        "What was written before that is taken back, and verified.",
    ]
    assert lines(outcome="unfinished", reason="the stub has gone") == [
        "leaf_patch: CUT SHORT: the stub has gone",
        "Operation 3 of the journal tells what is written: attach again, and `klp-debug undo`.",
    ]
    assert lines(outcome="done", action="undo", subject="the last operation") == [
        "the last operation: taken back, 0 functions; written and read back, operation 3 of the"
        " journal"
    ]


def test_problems_and_ends_that_are_not_clean() -> None:
    assert lines(problems=(Problem("registers", "are not there"),))[1:] == [
        "",
        "problems",
        "    registers: are not there",
    ]
    for outcome in ("nothing left", "refused", "declined", "failed", "unfinished"):
        assert not dataclasses.replace(DONE, outcome=outcome).clean
    objected = dataclasses.replace(DONE, outcome="planned", objections=(INSIDE,))
    assert not objected.clean
