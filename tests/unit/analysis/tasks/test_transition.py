# SPDX-License-Identifier: GPL-2.0-or-later
"""
Who has not switched in a transition, and why.

The rules are those of ``klp_try_switch_task()``, ``klp_check_stack()`` and
``klp_check_stack_func()`` in kernel/livepatch/transition.c.
"""

import pytest

from klp_debug.analysis.tasks.transition import transition
from klp_debug.result.transition import TransitionReport, WaitingTask
from klp_debug.result.unknown import AtLeast, Unknown, known
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


def the_one(report: TransitionReport) -> WaitingTask:
    """Return the one task that waits."""
    (task,) = report.waiting
    assert isinstance(task, WaitingTask)
    return task


def within(kernel: FakeKernel, name: str, offset: int = 0x24) -> int:
    return kernel.functions[name].address + offset


def sleeper(kernel: FakeKernel, name: str, offset: int = 0x24, *, kthread: bool = False) -> None:
    """Let a task that has not switched sleep in a function."""
    target = int.from_bytes(kernel.memory.read(kernel.target_state, 4), "little")
    task = kernel.task(7, "cat", patch_state=1 - target, kthread=kthread)
    task.sleeps(within(kernel, "schedule"), within(kernel, name, offset))
    task.info["flags"] = PATCH_PENDING


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
    task = the_one(waiting(kernel))
    assert task.hold == "on its stack"
    assert task.why == "it returns into f [scsi_common], which is to be switched"
    assert task.unblocks.startswith("it must leave that function: ")
    assert task.pending
    assert (task.trace.pid, task.trace.comm) == (7, "cat")


def test_a_kernel_thread_takes_no_signal(kernel: FakeKernel) -> None:
    sleeper(kernel, "f", kthread=True)
    task = the_one(waiting(kernel))
    assert task.unblocks == "it must leave that function by itself: a kernel thread takes no signal"


def test_nothing_holds_it(kernel: FakeKernel) -> None:
    sleeper(kernel, "innocent")
    task = the_one(waiting(kernel))
    assert (task.hold, task.why) == ("nothing", "nothing holds it")


def test_unpatching_it_is_the_replacement_that_must_be_left(kernel: FakeKernel) -> None:
    begin(kernel, to=UNPATCHED)
    sleeper(kernel, "first_f")
    task = the_one(waiting(kernel))
    assert task.hold == "on its stack"
    assert task.why.startswith("it returns into first_f [first]")


def test_unpatching_the_original_may_be_on_the_stack(kernel: FakeKernel) -> None:
    begin(kernel, to=UNPATCHED)
    sleeper(kernel, "f")
    task = the_one(waiting(kernel))
    assert task.hold == "nothing"


@pytest.mark.parametrize(("name", "hold"), [("first_f", "on its stack"), ("f", "nothing")])
def test_above_another_patch_it_is_that_ones_that_must_be_left(
    kernel: FakeKernel, name: str, hold: str
) -> None:
    kernel.patch("second", kernel.functions["f"])
    begin(kernel, to=PATCHED)
    sleeper(kernel, name)
    task = the_one(waiting(kernel))
    assert task.hold == hold


def test_of_an_object_that_is_not_patched_nothing_must_be_left(kernel: FakeKernel) -> None:
    kernel.patches[0].objects["scsi_common"]["patched"] = 0
    sleeper(kernel, "f")
    task = the_one(waiting(kernel))
    assert task.hold == "nothing"


def test_it_runs(kernel: FakeKernel) -> None:
    sleeper(kernel, "innocent")
    kernel.run(kernel.tasks[0])
    kernel.save_registers(0, nip=within(kernel, "innocent"), r1=kernel.tasks[0].end)
    kernel.save_registers(1, nip=within(kernel, "schedule"), r1=kernel.idle[1].end)
    task = the_one(waiting(kernel))
    assert (task.hold, task.why) == ("running", "it is on a CPU")


def test_an_idle_task(kernel: FakeKernel) -> None:
    kernel.idle[1].struct["patch_state"] = UNPATCHED
    for cpu in range(2):
        kernel.save_registers(cpu, nip=within(kernel, "schedule"), r1=kernel.idle[cpu].end)
    task = the_one(waiting(kernel))
    assert (task.hold, task.why) == ("running", "it is the idle task of its CPU")


def test_a_stack_that_cannot_be_trusted(kernel: FakeKernel) -> None:
    task = kernel.task(7, "cat", patch_state=UNPATCHED)
    task.sleeps(within(kernel, "schedule"), 0x1234)
    waits = the_one(waiting(kernel))
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


# traced


def test_a_traced_function_whose_original_is_on_its_stack(kernel: FakeKernel) -> None:
    """Its return address is on the shadow stack, where the kernel looks for it too."""
    kernel.function("return_to_handler", traced=False)
    sleeper(kernel, "return_to_handler", 0)
    task = kernel.tasks[0]
    task.is_traced(within(kernel, "f"), task.frame(2))
    waits = the_one(waiting(kernel))
    assert waits.hold == "on its stack"
    assert waits.why.startswith("it returns into f [scsi_common]")


def test_a_bpf_trampoline_on_its_stack(kernel: FakeKernel) -> None:
    """It is text for the kernel, though in no module."""
    image = 0xC008000001000000
    task = kernel.task(7, "cat", patch_state=UNPATCHED)
    task.sleeps(within(kernel, "schedule"), image + 0x50)
    assert the_one(waiting(kernel)).hold == "unreliable stack"
    kernel.bpf_text("bpf_trampoline_6442484920", image, 0x100)
    assert the_one(waiting(kernel)).hold == "nothing"


# what speaks against an answer


def test_the_kernel_has_long_not_switched_what_nothing_holds(kernel: FakeKernel) -> None:
    sleeper(kernel, "innocent")
    kernel.say(20.0, "livepatch: 'first': starting patching transition")
    kernel.say(29.5, "hello")
    assert the_one(waiting(kernel)).doubt is None
    kernel.say(50.5, "hello")
    doubt = the_one(waiting(kernel)).doubt
    assert isinstance(doubt, str)
    assert "has not switched it for 30.5 s" in doubt


def test_what_is_held_is_in_no_doubt(kernel: FakeKernel) -> None:
    sleeper(kernel, "f")
    kernel.say(20.0, "livepatch: 'first': starting patching transition")
    kernel.say(50.5, "hello")
    assert the_one(waiting(kernel)).doubt is None


def test_a_log_that_cannot_be_read(kernel: FakeKernel) -> None:
    sleeper(kernel, "innocent")
    kernel.say(20.0, "livepatch: 'first': starting patching transition")
    kernel.memory.lose(kernel.log_at)
    report = transition(kernel.view())
    task = the_one(report)
    assert isinstance(report.since, Unknown)
    assert isinstance(report.now, Unknown)
    assert (task.hold, type(task.doubt)) == ("nothing", Unknown)


# what cannot be read


def test_a_task_that_cannot_be_read_costs_those_behind(kernel: FakeKernel) -> None:
    sleeper(kernel, "f")
    kernel.task(8, "lost", patch_state=UNPATCHED).struct.lose()
    report = transition(kernel.view())
    first, missing = report.waiting
    assert isinstance(first, WaitingTask)
    assert first.trace.pid == 7
    assert isinstance(missing, Unknown)
    assert "list of tasks" in [problem.where for problem in report.problems]
    assert report.switched == AtLeast(2, missing.reason)


def test_a_stack_that_cannot_be_read(kernel: FakeKernel) -> None:
    """Neither is it reliable nor unreliable, nor is it told what is on it."""
    sleeper(kernel, "f")
    kernel.memory.lose(kernel.tasks[0].struct["thread.ksp"])
    waits = the_one(transition(kernel.view()))
    assert isinstance(waits.hold, Unknown)
    assert waits.why.startswith("cannot be told: the rest of its stack is unknown")
    assert waits.unblocks == "cannot be told"


def test_a_stack_that_is_there_in_part(kernel: FakeKernel) -> None:
    """The function that was met is told; but what is behind it may make the stack unreliable."""
    task = kernel.task(7, "cat", patch_state=UNPATCHED)
    innocent = [within(kernel, "innocent")] * 60
    task.sleeps(within(kernel, "schedule"), within(kernel, "f"), *innocent)
    kernel.memory.lose(task.end - 1)
    waits = the_one(transition(kernel.view()))
    assert isinstance(waits.hold, Unknown)
    assert "as far as it could be read, it returns into f [scsi_common]" in waits.why


def test_a_function_to_be_switched_that_cannot_be_read(kernel: FakeKernel) -> None:
    sleeper(kernel, "innocent")
    kernel.patches[0].funcs["f"].lose()
    waits = the_one(transition(kernel.view()))
    assert isinstance(waits.hold, Unknown)
    assert waits.why.startswith("cannot be told: which functions are to be switched is unknown")


def test_one_of_two_functions_to_be_switched_cannot_be_read() -> None:
    """That which can be is on the stack: it holds the task, whether the other is there or not."""
    kernel = FakeKernel()
    kernel.function("schedule", traced=False)
    kernel.patch("first", kernel.function("f"), kernel.function("g"))
    begin(kernel, to=UNPATCHED)
    sleeper(kernel, "first_f")
    kernel.patches[0].funcs["g"].lose()
    waits = the_one(transition(kernel.view()))
    assert waits.hold == "on its stack"
    assert waits.why.endswith("which is to be switched; some of these functions are unknown")


def test_whether_there_is_one_cannot_be_read(kernel: FakeKernel) -> None:
    kernel.memory.lose(kernel.transition_patch)
    report = transition(kernel.view())
    for value in (report.patch, report.direction, report.since, report.now, *report.waiting):
        assert isinstance(value, Unknown)
    assert report.waiting
    assert isinstance(report.switched, AtLeast)
    assert [problem.where for problem in report.problems] == ["klp_transition_patch"]


def test_a_patch_whose_name_cannot_be_read(kernel: FakeKernel) -> None:
    """The tasks are looked at all the same; their symbols are not known, but their addresses."""
    sleeper(kernel, "f")
    kernel.patches[0].module.struct.lose()
    report = transition(kernel.view())
    assert isinstance(report.patch, Unknown)
    assert report.direction == "patching"
    assert len(known(report.waiting)) == 1
    at = kernel.patches[0].struct.address
    assert f"klp_patch {at:#x}" in [problem.where for problem in report.problems]
