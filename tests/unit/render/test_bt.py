# SPDX-License-Identifier: GPL-2.0-or-later
"""The text of ``bt``."""

import dataclasses

from klp_debug.render.as_text import as_text
from klp_debug.result.address import Address
from klp_debug.result.bt import TaskTrace, TraceList
from klp_debug.result.common import Problem
from tests.support.answers.bt import ENTRY, SLEEPER, frame
from tests.support.answers.kernel import KERNEL
from tests.support.answers.with_text import HOSTILE, LONG, with_names
from tests.support.golden import Golden


def text(*tasks: TaskTrace) -> str:
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
    task = dataclasses.replace(
        SLEEPER, running=True, state="running", frames=(), livepatch_stack=(), in_patched=False
    )
    golden("bt", "running", text(task))


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
