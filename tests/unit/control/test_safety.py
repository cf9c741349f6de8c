# SPDX-License-Identifier: GPL-2.0-or-later
"""What cannot be read speaks against a change as well as what can."""

import dataclasses

import pytest

from klp_debug.control.plan import plan_disarm
from klp_debug.control.safety import objections
from klp_debug.result.control import Objection
from tests.support.fake_tasks import FakeTask
from tests.support.fake_view import FakeKernel
from tests.support.kernel_structs import MPROFILE, OUT_OF_LINE, Build
from tests.support.livepatch_handler_words import WIDE

BUSY = ("klp-mutex-held", "ftrace-lock-held", "text-mutex-held")
"""Of which nothing is told here: this kernel has no such locks."""


def patched(build: Build = MPROFILE) -> FakeKernel:
    kernel = FakeKernel(build)
    for name in ("schedule", "caller", "return_to_handler"):
        kernel.function(name, traced=False)
    kernel.symbol("ftrace_stub", kernel.address("_stext"))
    kernel.patch("first", kernel.function("f"))
    for cpu, idle in enumerate(kernel.idle):
        kernel.save_registers(cpu, nip=within(kernel, "schedule"), r1=idle.end - 0x70)
        kernel.put_u64(idle.end - 0x70, idle.end, 0, within(kernel, "caller"))
    return kernel


@pytest.fixture
def kernel() -> FakeKernel:
    """A kernel with a patch; both CPUs are idle."""
    return patched()


def within(kernel: FakeKernel, name: str) -> int:
    return kernel.functions[name].address + 0x24


def sleeper(kernel: FakeKernel, *names: str) -> FakeTask:
    task = kernel.task(7, "cat")
    task.sleeps(*(within(kernel, name) for name in ("schedule", *names)))
    return task


def against(kernel: FakeKernel) -> list[Objection]:
    view = kernel.view()
    found = objections(view, plan_disarm(view, "first", None, None))
    return [objection for objection in found if objection.id not in BUSY]


def ids(kernel: FakeKernel) -> list[str]:
    return [objection.id for objection in against(kernel)]


def test_nothing(kernel: FakeKernel) -> None:
    sleeper(kernel, "caller")
    assert against(kernel) == []


def test_a_task_inside(kernel: FakeKernel) -> None:
    sleeper(kernel, "first_f")
    (found,) = against(kernel)
    assert found.id == "task-inside"
    assert found.text.startswith("cat (7) is inside first_f")


@pytest.mark.parametrize("build", [MPROFILE, OUT_OF_LINE])
def test_a_task_inside_by_its_shadow_stack(build: Build) -> None:
    kernel = patched(build)
    task = kernel.task(7, "cat")
    task.sleeps(within(kernel, "schedule"), kernel.address("return_to_handler"))
    assert ids(kernel) == []
    task.is_traced(within(kernel, "first_f"), task.frame(2))
    assert ids(kernel) == ["task-inside"]


def test_what_is_left_over_on_a_shadow_stack_counts(kernel: FakeKernel) -> None:
    """It may be what is pushed just now."""
    task = kernel.task(7, "cat")
    task.sleeps(within(kernel, "schedule"), kernel.address("return_to_handler"))
    task.is_traced(within(kernel, "first_f"), task.frame(2))
    task.struct["curr_ret_stack"] = -1
    assert ids(kernel) == ["task-inside"]


@pytest.mark.parametrize("cut", [0, 1])
def test_a_task_that_is_to_return_there_by_its_livepatch_stack(
    kernel: FakeKernel, cut: int
) -> None:
    """Where the layout of an entry is not known, every word on that stack may be an address."""
    words = WIDE.words[: len(WIDE.words) - cut]
    kernel.saves_by(dataclasses.replace(WIDE, words=words))
    task = sleeper(kernel, "caller")
    task.calls_replacement(toc=0, lr=within(kernel, "caller"))
    assert ids(kernel) == []
    task.calls_replacement(toc=0, lr=within(kernel, "first_f"))
    (found,) = against(kernel)
    assert found.id == "task-inside"
    may = "may be" if cut else "is"
    assert found.text.startswith(f"cat (7) {may} inside first_f")


def test_a_stack_that_cannot_be_read(kernel: FakeKernel) -> None:
    """That it cannot does not keep the next task from being looked at."""
    kernel.memory.lose(sleeper(kernel, "caller").struct["thread.ksp"])
    other = kernel.task(8, "dog")
    other.sleeps(within(kernel, "schedule"), within(kernel, "first_f"))
    first, second = against(kernel)
    assert (first.id, first.text.partition(":")[0]) == (
        "stack-unknown",
        "where cat (7) is cannot be told",
    )
    assert (second.id, second.text.split()[0]) == ("task-inside", "dog")


def test_a_list_of_tasks_that_breaks_off(kernel: FakeKernel) -> None:
    sleeper(kernel, "caller").struct.lose()
    assert ids(kernel) == ["tasks-unread"]


def test_registers_that_nobody_saved(kernel: FakeKernel) -> None:
    kernel.memory.lose(kernel.crash_notes)
    assert "registers-unknown" in ids(kernel)
