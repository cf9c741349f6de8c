# SPDX-License-Identifier: GPL-2.0-or-later
"""The tasks that a user means, and what is said where there is none."""

import pytest

from klp_debug.analysis.tasks.choose import TaskNotFoundError, choose_tasks
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.kernel.task import task_comm
from klp_debug.result.unknown import Unknown
from tests.support.fake_view import FakeKernel


@pytest.fixture
def kernel() -> FakeKernel:
    made = FakeKernel()
    made.task(1, "init")
    made.task(7, "cat", cpu=1)
    made.task(8, "cat")
    return made


def chosen(view: KernelView, spec: str) -> list[str]:
    tasks = choose_tasks(view, spec)
    return [
        "unknown" if isinstance(task, Unknown) else f"{task_comm(task)} {task.pid.value_()}"
        for task in tasks
    ]


def refusal(view: KernelView, spec: str) -> str:
    with pytest.raises(TaskNotFoundError) as caught:
        choose_tasks(view, spec)
    return str(caught.value)


@pytest.mark.parametrize(
    ("spec", "tasks"),
    [
        ("7", ["cat 7"]),
        ("cat", ["cat 7", "cat 8"]),
        ("0", ["swapper/0 0", "swapper/1 0"]),
        ("swapper/1", ["swapper/1 0"]),
        ("all", ["init 1", "cat 7", "cat 8", "swapper/0 0", "swapper/1 0"]),
        ("cpu0", ["swapper/0 0"]),
    ],
)
def test_by_pid_comm_and_cpu(kernel: FakeKernel, spec: str, tasks: list[str]) -> None:
    view = kernel.view()
    assert chosen(view, spec) == tasks
    assert view.problems.all() == ()


def test_what_runs_on_a_cpu(kernel: FakeKernel) -> None:
    kernel.run(kernel.tasks[1])
    assert chosen(kernel.view(), "cpu1") == ["cat 7"]


def test_by_the_address_of_its_task_struct(kernel: FakeKernel) -> None:
    view = kernel.view()
    assert chosen(view, f"{kernel.tasks[2].struct.address:#x}") == ["cat 8"]
    assert chosen(view, f"{kernel.idle[1].struct.address:#x}") == ["swapper/1 0"]


def test_what_ran_on_the_cpu_that_crashed(kernel: FakeKernel) -> None:
    kernel.run(kernel.tasks[1])
    kernel.crash(1)
    assert chosen(kernel.view(), "crashed") == ["cat 7"]


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("nosuch", "no task nosuch: give a PID, a comm, cpuN or all"),
        ("99", "no task 99: "),
        ("\x1b[2J", r"no task \x1b[2J: "),
        ("cpu2", "no CPU 2: this kernel has 0, 1"),
        ("crashed", "no CPU crashed here: "),
        ("0x1000", "no task_struct of a task is at 0x1000"),
    ],
)
def test_none(kernel: FakeKernel, spec: str, says: str) -> None:
    assert refusal(kernel.view(), spec).startswith(says)


def test_a_list_that_breaks_off_costs_those_behind(kernel: FakeKernel) -> None:
    kernel.tasks[1].struct.lose()
    view = kernel.view()
    assert chosen(view, "init") == ["init 1", "unknown"]
    assert chosen(view, "all") == ["init 1", "swapper/0 0", "swapper/1 0", "unknown"]
    assert [problem.where for problem in view.problems.all()] == ["list of tasks"]


def test_a_pid_before_the_place_where_the_list_breaks_off(kernel: FakeKernel) -> None:
    """No other task has it, so that nothing is missing."""
    kernel.tasks[1].struct.lose()
    view = kernel.view()
    assert chosen(view, "1") == ["init 1"]
    assert view.problems.all() == ()


@pytest.mark.parametrize("spec", ["8", "nosuch"])
def test_whether_there_is_one_that_could_not_be_reached(kernel: FakeKernel, spec: str) -> None:
    kernel.tasks[1].struct.lose()
    view = kernel.view()
    assert refusal(view, spec).startswith(
        f"whether there is a task {spec} cannot be told: list of tasks: "
    )
    assert [problem.where for problem in view.problems.all()] == ["list of tasks"]


def test_whether_one_is_at_an_address_if_not_all_could_be_reached(kernel: FakeKernel) -> None:
    kernel.tasks[1].struct.lose()
    said = refusal(kernel.view(), f"{kernel.tasks[2].struct.address:#x}")
    assert "cannot be told: list of tasks: " in said


def test_cpus_that_cannot_be_read(kernel: FakeKernel) -> None:
    kernel.memory.lose(kernel.cpu_mask("possible"))
    assert refusal(kernel.view(), "cpu1").startswith("whether there is a CPU 1 cannot be told: ")


def test_what_runs_on_a_cpu_cannot_be_read(kernel: FakeKernel) -> None:
    kernel.runqueues[1].lose()
    assert refusal(kernel.view(), "cpu1").startswith("what runs on CPU 1 cannot be told: ")


def test_which_cpu_crashed_cannot_be_told(kernel: FakeKernel) -> None:
    kernel.crash(77)
    view = kernel.view()
    assert refusal(view, "crashed").startswith("whether the kernel crashed cannot be told: ")
    assert [problem.where for problem in view.problems.all()] == ["which CPU crashed"]


def test_what_ran_where_it_crashed_cannot_be_read(kernel: FakeKernel) -> None:
    kernel.crash(1)
    kernel.runqueues[1].lose()
    said = refusal(kernel.view(), "crashed")
    assert said.startswith("what ran on CPU 1, which crashed, cannot be told: runqueue of CPU 1: ")


def test_it_crashed_on_a_cpu_that_cannot_be_told(kernel: FakeKernel) -> None:
    kernel.say(20.0, "Kernel panic - not syncing: hello")
    kernel.memory.lose(kernel.panic_cpu)
    said = refusal(kernel.view(), "crashed")
    assert said.startswith("on which CPU the kernel crashed cannot be told: which CPU crashed: ")
