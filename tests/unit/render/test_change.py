# SPDX-License-Identifier: GPL-2.0-or-later
"""The text of ``arm``, ``disarm`` and ``undo``."""

import dataclasses

from klp_debug.render.as_text import as_text
from klp_debug.result.address import Address
from klp_debug.result.common import Problem
from klp_debug.result.control import Change, Objection, PlannedWrite
from tests.support.answers import HEAD, KERNEL
from tests.unit.render.test_bt import SLEEPER

WRITE = PlannedWrite(
    address=Address(0xC000000002E40120),
    what="klp_ops.fops.func",
    function="int_to_scsilun [scsi_common]",
    patch="leaf_patch",
    mechanism="ops",
    size=8,
    old=Address(0xC00000000013B5E0),
    new=Address(0xC00000000005DA20),
    old_means="klp_ftrace_handler",
    new_means="ftrace_stub",
    why="its ftrace_ops does nothing: the original runs",
)
DONE = Change(
    kernel=KERNEL,
    action="disarm",
    subject="leaf_patch",
    outcome="done",
    reason=None,
    writes=(WRITE,),
    skipped=("dummy [not_loaded]: not patched now: its object is not loaded, or the patch is off",),
    objections=(),
    forced=False,
    notes=("Patches that are loaded on these functions meanwhile do not run either.",),
    operation=3,
    problems=(),
)
TABLE = (
    "ADDRESS           FIELD              FUNCTION                      BY   OLD"
    "                                    NEW                             SO THAT\n"
    "c000000002e40120  klp_ops.fops.func  int_to_scsilun [scsi_common]  ops"
    "  c00000000013b5e0 (klp_ftrace_handler)  c00000000005da20 (ftrace_stub)"
    "  its ftrace_ops does nothing: the original runs\n"
)
INSIDE = Objection(
    "task-inside",
    "cat (52) is inside patched_int_to_scsilun [leaf_patch], which would be switched",
    dataclasses.replace(SLEEPER, frames=SLEEPER.frames[1:2], livepatch_stack=()),
)


def test_it_was_done() -> None:
    assert (
        as_text(DONE)
        == f"""\
{HEAD}
leaf_patch: disarmed, 1 function; written and read back, operation 3 of the journal

{TABLE}\
skipped   dummy [not_loaded]: not patched now: its object is not loaded, or the patch is off

Patches that are loaded on these functions meanwhile do not run either."""
    )
    assert DONE.clean


def test_it_is_not_safe() -> None:
    refused = dataclasses.replace(
        DONE, outcome="refused", objections=(INSIDE,), skipped=(), operation=None
    )
    assert (
        as_text(refused)
        == f"""\
{HEAD}
leaf_patch: not disarmed: 1 objection
Nothing was written. Let the target run on and try again, or --force to switch all the same.

not safe now
    task-inside: cat (52) is inside patched_int_to_scsilun [leaf_patch], which would be switched
        c0000000006027a8  schedule+0x78

{TABLE.rstrip()}"""
    )
    assert not refused.clean
    forced = dataclasses.replace(refused, outcome="done", forced=True, operation=4)
    assert "\noverridden by --force\n    task-inside: cat (52)" in as_text(forced)
    assert forced.clean


def lines(**changes: object) -> list[str]:
    answer = dataclasses.replace(DONE, writes=(), skipped=(), notes=(), **changes)  # type: ignore[arg-type]
    return as_text(answer).splitlines()[3:]


def test_other_ends() -> None:
    assert lines(outcome="planned") == [
        "leaf_patch: 0 functions would be disarmed. Nothing was written."
    ]
    assert lines(outcome="declined") == ["leaf_patch: not disarmed. Nothing was written."]
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
    for outcome in ("refused", "declined", "failed", "unfinished"):
        assert not dataclasses.replace(DONE, outcome=outcome).clean
    objected = dataclasses.replace(DONE, outcome="planned", objections=(INSIDE,))
    assert not objected.clean
