# SPDX-License-Identifier: GPL-2.0-or-later
"""Which CPU crashed, and by what else that can be told."""

import pytest

from klp_debug.analysis.tasks.crashed import crashed
from klp_debug.kernel.panic import Crash
from klp_debug.result.unknown import Unknown
from tests.support.fake_view import FakeKernel


@pytest.fixture
def kernel() -> FakeKernel:
    """A kernel that has not crashed; task 7 runs on CPU 1."""
    made = FakeKernel()
    made.run(made.task(7, "cat", cpu=1))
    return made


def found(kernel: FakeKernel) -> Crash:
    crash = crashed(kernel.view())
    assert isinstance(crash, Crash)
    return crash


def reason(kernel: FakeKernel) -> str:
    crash = crashed(kernel.view())
    assert isinstance(crash, Unknown)
    return crash.reason


def assert_somewhere(kernel: FakeKernel) -> None:
    """Check that it is told to have crashed, and of the CPU that it is unknown."""
    crash = found(kernel)
    assert isinstance(crash.cpu, Unknown)
    assert isinstance(crash.task, Unknown)


def goes_down(kernel: FakeKernel) -> None:
    """Let CPU 1 oops, and its variables be lost."""
    kernel.say(20.0, "BUG: Unable to handle kernel instruction fetch (NULL pointer?)")
    kernel.say(20.1, "Oops: Kernel access of bad area, sig: 11 [#1]")
    kernel.say(20.2, "CPU: 1 UID: 0 PID: 7 Comm: cat Kdump: loaded 6.1.0-fake")
    kernel.say(20.3, "---[ end trace 0000000000000000 ]---")
    kernel.crash(1)
    kernel.memory.lose(kernel.panic_cpu)


def save_registers(kernel: FakeKernel) -> None:
    for cpu in range(2):
        kernel.save_registers(cpu, nip=kernel.address("_stext"), r1=kernel.idle[cpu].end)


def test_it_did_not_crash(kernel: FakeKernel) -> None:
    view = kernel.view()
    assert crashed(view) is None
    assert view.problems.all() == ()


def test_by_its_variable(kernel: FakeKernel) -> None:
    kernel.crash(1)
    crash = found(kernel)
    assert (crash.cpu, crash.told_by) == (1, "panic_cpu")
    assert not isinstance(crash.task, Unknown)
    assert crash.task.pid == 7


def test_by_the_other_variable(kernel: FakeKernel) -> None:
    kernel.variable("crashing_cpu", "int", 1)
    kernel.memory.lose(kernel.panic_cpu)
    view = kernel.view()
    crash = crashed(view)
    assert isinstance(crash, Crash)
    assert (crash.cpu, crash.told_by) == (1, "crashing_cpu")
    assert [problem.where for problem in view.problems.all()] == ["which CPU crashed"]


def test_by_the_log_of_a_kernel_that_saved_its_registers(kernel: FakeKernel) -> None:
    goes_down(kernel)
    save_registers(kernel)
    crash = found(kernel)
    assert (crash.cpu, crash.told_by) == (1, "log")
    assert not isinstance(crash.task, Unknown)
    assert crash.task.pid == 7


def test_by_the_log_of_a_panic(kernel: FakeKernel) -> None:
    goes_down(kernel)
    kernel.say(21.0, "Kernel panic - not syncing: Fatal exception")
    assert found(kernel).cpu == 1


def test_an_oops_alone_is_no_crash_and_no_proof_against_one(kernel: FakeKernel) -> None:
    goes_down(kernel)
    assert reason(kernel).startswith("which CPU crashed: ")


def test_without_a_report_in_the_log(kernel: FakeKernel) -> None:
    kernel.memory.lose(kernel.panic_cpu)
    save_registers(kernel)
    assert_somewhere(kernel)


def test_a_log_that_is_not_whole(kernel: FakeKernel) -> None:
    """What it has may be of an oops before."""
    goes_down(kernel)
    save_registers(kernel)
    for number in range(100):
        kernel.say(30.0 + number, "something happens in between, again and again and again")
    kernel.memory.lose(kernel.log_at + 0x1000)
    assert_somewhere(kernel)


def test_a_report_from_a_cpu_that_the_kernel_does_not_have(kernel: FakeKernel) -> None:
    kernel.say(20.0, "Kernel panic - not syncing: hello")
    kernel.say(20.1, "CPU: 77 PID: 7 Comm: cat")
    kernel.memory.lose(kernel.panic_cpu)
    assert_somewhere(kernel)


def test_a_variable_that_makes_no_sense(kernel: FakeKernel) -> None:
    kernel.crash(77)
    assert "panic_cpu is 77, which is no CPU of this kernel" in reason(kernel)


def test_what_ran_there_cannot_be_read(kernel: FakeKernel) -> None:
    kernel.crash(1)
    kernel.runqueues[1].lose()
    crash = found(kernel)
    assert crash.cpu == 1
    assert isinstance(crash.task, Unknown)
