# SPDX-License-Identifier: GPL-2.0-or-later
"""The text of ``bt``."""

import dataclasses

from klp_debug.render.as_text import as_text
from klp_debug.result.address import Address
from klp_debug.result.bt import TaskTrace, TraceList
from klp_debug.result.common import Problem
from klp_debug.result.unknown import Unknown
from tests.support.answers.bt import ENTRY, SLEEPER, frame
from tests.support.answers.kernel import KERNEL
from tests.support.answers.with_text import HOSTILE, LONG, with_names
from tests.support.golden import Golden

LOST = Unknown("stack of task 52: page 0x3ee0000 is not in the dump")


def text(*tasks: TaskTrace | Unknown) -> str:
    return as_text(TraceList(KERNEL, tasks, ()))


def test_the_frame_that_a_plain_walk_misses(golden: Golden) -> None:
    golden("bt", "ordinary", text(SLEEPER))


def test_a_damaged_marker_and_an_unreliable_stack(golden: Golden) -> None:
    damaged = dataclasses.replace(ENTRY, marker=Address(0), intact=False, lr_symbol=None)
    task = dataclasses.replace(
        SLEEPER,
        comm="a\x1b[2J",
        frames=(frame(0, None),),
        livepatch_stack=(damaged,),
        unreliable="the frame at 0x10 cannot be read",
        in_patched=False,
    )
    golden("bt", "damaged", text(task))
    assert not TraceList(KERNEL, (task,), ()).clean


def test_a_running_task_without_registers(golden: Golden) -> None:
    missing = Unknown("registers of CPU 1: the dump has no NT_PRSTATUS note of it")
    task = dataclasses.replace(
        SLEEPER,
        running=True,
        state="running",
        frames=(missing,),
        livepatch_stack=(),
        in_patched=missing,
    )
    golden("bt", "running", text(task))


def test_a_task_that_has_no_stack_any_more() -> None:
    task = dataclasses.replace(SLEEPER, frames=(), livepatch_stack=(), in_patched=False)
    assert text(task).splitlines()[-1] == "    no frame: it has no stack any more"


def test_what_is_unknown(golden: Golden) -> None:
    """All that can be of a task, of a frame and of an entry; and that there may be more tasks."""
    unread = dataclasses.replace(
        frame(0xC0080000002C0040, None), symbol=LOST, role=LOST, patch=LOST
    )
    unnamed = dataclasses.replace(
        frame(0xC0080000002C0040, "f+0x4"), role="replacement", patch=LOST
    )
    task = dataclasses.replace(
        SLEEPER,
        comm=LOST,
        cpu=LOST,
        state=LOST,
        frames=(unread, unnamed, LOST),
        livepatch_stack=(dataclasses.replace(ENTRY, lr_symbol=LOST), LOST),
        unreliable=LOST,
        in_patched=LOST,
    )
    asleep_or_not = dataclasses.replace(
        SLEEPER, running=LOST, frames=(LOST,), livepatch_stack=(), unreliable=LOST
    )
    golden("bt", "unknown", text(task, asleep_or_not, LOST))


def test_a_traced_function() -> None:
    traced = dataclasses.replace(frame(0xC000000000602330, "f+0x10"), from_shadow_stack=True)
    lines = text(dataclasses.replace(SLEEPER, frames=(traced,), livepatch_stack=())).splitlines()
    assert lines[-1].endswith("f+0x10  traced: from the shadow stack")


def test_no_task(golden: Golden) -> None:
    golden("bt", "empty", text())


def test_several_tasks_and_problems(golden: Golden) -> None:
    original = dataclasses.replace(
        frame(0xC0000000003042DC, "cmdline_proc_show+0xc"), role="original", patch="wait_patch"
    )
    other = dataclasses.replace(SLEEPER, pid=1, comm="init", frames=(original,))
    problems = (Problem("task 53", "its stack is not in the dump"), Problem("x", "y"))
    golden("bt", "problems", as_text(TraceList(KERNEL, (SLEEPER, other), problems)))


def test_hostile_names(golden: Golden) -> None:
    every = dataclasses.replace(SLEEPER, unreliable="why")
    golden("bt", "hostile-names", as_text(with_names(TraceList(KERNEL, (every,), ()), HOSTILE)))


def test_long_names(golden: Golden) -> None:
    golden("bt", "long-names", as_text(with_names(TraceList(KERNEL, (SLEEPER,), ()), LONG)))


def test_a_stack_without_end_is_cut(golden: Golden) -> None:
    """The beginning and the end of it are what tells."""
    frames = tuple(
        frame(0xC000000000000000 + 4 * number, f"f{number}+0x4") for number in range(100)
    )
    entries = tuple(dataclasses.replace(ENTRY, lr_symbol=f"g{number}+0x4") for number in range(61))
    task = dataclasses.replace(SLEEPER, frames=frames, livepatch_stack=entries)
    golden("bt", "endless", text(task))


def test_a_long_stack_that_is_cut_short_by_what_is_missing() -> None:
    """Its last frames are not the end of it: they may be any."""
    frames = tuple(
        frame(0xC000000000000000 + 4 * number, f"f{number}+0x4") for number in range(100)
    )
    task = dataclasses.replace(SLEEPER, frames=(*frames, LOST), livepatch_stack=())
    lines = text(task).splitlines()
    assert lines[-3].split()[1] == "f39+0x4"
    assert lines[-2].split(maxsplit=1) == ["...", "at least 60 frames; --json has all"]
    assert lines[-1].split(maxsplit=1) == ["unknown", LOST.reason]
