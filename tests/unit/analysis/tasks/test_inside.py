# SPDX-License-Identifier: GPL-2.0-or-later
"""Who is inside of a module, by the stacks of all tasks."""

import pytest

from klp_debug.analysis.tasks.inside import TasksInside
from klp_debug.result.list import TaskInside
from klp_debug.result.unknown import Unknown
from tests.support.fake_view import FakeKernel

STEP = 0x24


@pytest.fixture
def kernel() -> FakeKernel:
    """A kernel with a task in two functions of a module, and one in vmlinux alone."""
    made = FakeKernel()
    inner, outer = made.function("inner", "patch"), made.function("outer", "patch")
    schedule = made.function("schedule", traced=False)
    made.function("other", "patch_2")
    made.task(1, "init").sleeps(schedule.address + STEP)
    inside = made.task(7, "cat")
    inside.sleeps(*(one.address + STEP for one in (schedule, inner, outer)))
    return made


def test_the_innermost_frame_of_each_task(kernel: FakeKernel) -> None:
    tasks = TasksInside(kernel.view())
    assert tasks.of("patch") == (TaskInside(pid=7, comm="cat", frame="inner+0x24 [patch]"),)
    assert tasks.of("patch_2") == tasks.of("schedule") == ()


def test_a_stack_that_cannot_be_read_may_have_such_a_frame(kernel: FakeKernel) -> None:
    kernel.memory.lose(kernel.tasks[1].end)
    (unknown,) = TasksInside(kernel.view()).of("patch")
    assert isinstance(unknown, Unknown)


def test_a_task_that_cannot_be_read(kernel: FakeKernel) -> None:
    kernel.tasks[1].struct.lose()
    found = TasksInside(kernel.view()).of("patch")
    assert isinstance(found[-1], Unknown)
