# SPDX-License-Identifier: GPL-2.0-or-later
"""
Who has not switched in a transition, and why.

The rules are those of ``klp_try_switch_task()``, ``klp_check_stack()`` and
``klp_check_stack_func()`` in kernel/livepatch/transition.c.
"""

import pytest

from klp_debug.analysis.tasks.transition import transition
from klp_debug.result.transition import TransitionReport
from tests.support.fake_ftrace import FUNCTION_SIZE
from tests.support.fake_tasks import PATCH_PENDING
from tests.support.fake_view import FakeKernel

PATCHED, UNPATCHED = 1, 0


@pytest.fixture
def kernel() -> FakeKernel:
    """A kernel in which one patch is being switched on above another; tasks have not switched."""
    made = FakeKernel()
    for name in ("schedule", "innocent"):
        made.function(name, traced=False)
    function = made.function("f", "scsi_common")
    made.patch("first", function)
    begin(made, to=PATCHED)
    return made


def begin(kernel: FakeKernel, *, to: int) -> None:
    kernel.in_transition(kernel.patches[-1], to=to)
    for idle in kernel.idle:
        idle.struct["patch_state"] = to


def waiting(kernel: FakeKernel) -> TransitionReport:
    report = transition(kernel.view())
    assert report.problems == ()
    return report


def within(kernel: FakeKernel, name: str, offset: int = 0x24) -> int:
    return kernel.functions[name].address + offset


def sleeper(kernel: FakeKernel, name: str, offset: int = 0x24, *, kthread: bool = False) -> None:
    """Let a task that has not switched sleep in a function."""
    target = int.from_bytes(kernel.memory.read(kernel.target_state, 4), "little")
    task = kernel.task(7, "cat", patch_state=1 - target, kthread=kthread)
    task.sleeps(within(kernel, "schedule"), within(kernel, name, offset))
    task.struct["thread_info.flags"] = PATCH_PENDING


def test_no_transition() -> None:
    kernel = FakeKernel()
    kernel.task(7, "cat")
    report = waiting(kernel)
    assert (report.patch, report.direction, report.switched) == (None, None, 0)
    assert (report.waiting, report.since, report.now) == ((), None, None)


@pytest.mark.parametrize(("to", "direction"), [(PATCHED, "patching"), (UNPATCHED, "unpatching")])
def test_all_have_switched(kernel: FakeKernel, to: int, direction: str) -> None:
    begin(kernel, to=to)
    kernel.task(7, "cat", patch_state=to)
    report = waiting(kernel)
    assert (report.patch, report.direction) == ("first", direction)
    assert (report.switched, report.waiting) == (3, ())


@pytest.mark.parametrize("offset", [4, FUNCTION_SIZE - 4])
def test_the_original_is_on_its_stack(kernel: FakeKernel, offset: int) -> None:
    sleeper(kernel, "f", offset)
    (task,) = waiting(kernel).waiting
    assert task.hold == "on its stack"
    assert task.why == "it returns into f [scsi_common], which is to be switched"
    assert task.unblocks.startswith("it must leave that function: ")
    assert task.pending
    assert (task.trace.pid, task.trace.comm) == (7, "cat")


def test_a_kernel_thread_takes_no_signal(kernel: FakeKernel) -> None:
    sleeper(kernel, "f", kthread=True)
    (task,) = waiting(kernel).waiting
    assert task.unblocks == "it must leave that function by itself: a kernel thread takes no signal"


def test_nothing_holds_it(kernel: FakeKernel) -> None:
    sleeper(kernel, "innocent")
    (task,) = waiting(kernel).waiting
    assert (task.hold, task.why) == ("nothing", "nothing holds it")


def test_unpatching_it_is_the_replacement_that_must_be_left(kernel: FakeKernel) -> None:
    begin(kernel, to=UNPATCHED)
    sleeper(kernel, "first_f")
    (task,) = waiting(kernel).waiting
    assert task.hold == "on its stack"
    assert task.why.startswith("it returns into first_f [first]")


def test_unpatching_the_original_may_be_on_the_stack(kernel: FakeKernel) -> None:
    begin(kernel, to=UNPATCHED)
    sleeper(kernel, "f")
    (task,) = waiting(kernel).waiting
    assert task.hold == "nothing"


@pytest.mark.parametrize(("name", "hold"), [("first_f", "on its stack"), ("f", "nothing")])
def test_above_another_patch_it_is_that_ones_that_must_be_left(
    kernel: FakeKernel, name: str, hold: str
) -> None:
    kernel.patch("second", kernel.functions["f"])
    begin(kernel, to=PATCHED)
    sleeper(kernel, name)
    (task,) = waiting(kernel).waiting
    assert task.hold == hold


def test_of_an_object_that_is_not_patched_nothing_must_be_left(kernel: FakeKernel) -> None:
    kernel.patches[0].objects["scsi_common"]["patched"] = 0
    sleeper(kernel, "f")
    (task,) = waiting(kernel).waiting
    assert task.hold == "nothing"


def test_it_runs(kernel: FakeKernel) -> None:
    sleeper(kernel, "innocent")
    kernel.run(kernel.tasks[0])
    kernel.save_registers(0, nip=within(kernel, "innocent"), r1=kernel.tasks[0].end)
    kernel.save_registers(1, nip=within(kernel, "schedule"), r1=kernel.idle[1].end)
    (task,) = waiting(kernel).waiting
    assert (task.hold, task.why) == ("running", "it is on a CPU")


def test_an_idle_task(kernel: FakeKernel) -> None:
    kernel.idle[1].struct["patch_state"] = UNPATCHED
    for cpu in range(2):
        kernel.save_registers(cpu, nip=within(kernel, "schedule"), r1=kernel.idle[cpu].end)
    (task,) = waiting(kernel).waiting
    assert (task.hold, task.why) == ("running", "it is the idle task of its CPU")


def test_a_stack_that_cannot_be_trusted(kernel: FakeKernel) -> None:
    task = kernel.task(7, "cat", patch_state=UNPATCHED)
    task.sleeps(within(kernel, "schedule"), 0x1234)
    (waits,) = waiting(kernel).waiting
    assert waits.hold == "unreliable stack"
    assert waits.why.endswith("is no text: 0x1234")


def test_how_long_it_lasts_by_the_log(kernel: FakeKernel) -> None:
    kernel.say(10.0, "livepatch: 'other': starting patching transition")
    kernel.say(20.0, "livepatch: 'first': starting patching transition")
    kernel.say(50.5, "hello")
    report = waiting(kernel)
    assert (report.since, report.now) == (20.0, 50.5)


def test_a_reversal_begins_anew(kernel: FakeKernel) -> None:
    kernel.say(20.0, "livepatch: 'first': starting patching transition")
    kernel.say(30.0, "livepatch: 'first': reversing transition from patching to unpatching")
    assert waiting(kernel).since == 30.0


# what cannot be read


def test_a_task_that_cannot_be_read_costs_those_behind(kernel: FakeKernel) -> None:
    sleeper(kernel, "f")
    kernel.task(8, "lost", patch_state=UNPATCHED).struct.lose()
    report = transition(kernel.view())
    assert [task.trace.pid for task in report.waiting] == [7]
    assert "list of tasks" in [problem.where for problem in report.problems]
    assert report.switched == 2


def test_a_stack_that_cannot_be_read(kernel: FakeKernel) -> None:
    sleeper(kernel, "f")
    task = kernel.tasks[0]
    kernel.memory.lose(task.struct["thread.ksp"])
    report = transition(kernel.view())
    (waits,) = report.waiting
    assert waits.hold == "unreliable stack"
    assert waits.why.endswith("cannot be read")


def test_whether_there_is_one_cannot_be_read(kernel: FakeKernel) -> None:
    kernel.memory.lose(kernel.transition_patch)
    report = transition(kernel.view())
    assert report.patch is None
    assert [problem.where for problem in report.problems] == ["klp_transition_patch"]


def test_a_patch_whose_name_cannot_be_read(kernel: FakeKernel) -> None:
    sleeper(kernel, "f")
    kernel.patches[0].module.struct.lose()
    report = transition(kernel.view())
    assert (report.patch, report.waiting) == (None, ())
    at = kernel.patches[0].struct.address
    assert f"klp_patch {at:#x}" in [problem.where for problem in report.problems]
