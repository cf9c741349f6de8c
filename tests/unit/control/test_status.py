# SPDX-License-Identifier: GPL-2.0-or-later
"""What is held disarmed, as far as the kernel's memory and its journal can be read."""

from pathlib import Path

import pytest

from klp_debug.control.change import boot_identity
from klp_debug.control.journal import journal_path
from klp_debug.control.status import journal, status
from klp_debug.result.control import HeldFunction
from klp_debug.result.unknown import Unknown
from tests.support.fake_view import FakeKernel


@pytest.fixture
def kernel() -> FakeKernel:
    """A kernel with two patches; somebody holds the first disarmed by ``ops``."""
    made = FakeKernel()
    made.task(1, "init")
    made.task(2, "kthreadd")
    made.symbol("ftrace_stub", made.address("_stext"))
    made.patch("first", made.function("f"))
    made.patch("second", made.function("g"))
    made.stacks["f"].ops.struct["func"] = made.address("ftrace_stub")
    return made


def held(kernel: FakeKernel) -> list[str]:
    return [
        "unknown" if isinstance(each, Unknown) else f"{each.function} by {each.mechanism}"
        for each in status(kernel.view()).held
    ]


def test_what_somebody_else_holds(kernel: FakeKernel) -> None:
    answer = status(kernel.view())
    assert answer.held == (
        HeldFunction(patch="first", function="f", mechanism="ops", operation=None, done_for=None),
    )
    assert (answer.journal_exists, answer.unfinished, answer.in_force) == (False, (), ())
    assert answer.problems == ()


def test_a_func_stack_that_cannot_be_read(kernel: FakeKernel) -> None:
    """Its function may be held; the other patch's is not."""
    kernel.stacks["f"].struct.lose()
    assert held(kernel) == ["unknown", "unknown"]  # on which the second is cannot be told either
    assert not status(kernel.view()).clean


def test_a_list_of_patches_that_breaks_off(kernel: FakeKernel) -> None:
    kernel.patches[1].struct.lose()
    assert held(kernel) == ["f by ops", "unknown"]


def test_a_patch_whose_functions_cannot_be_read(kernel: FakeKernel) -> None:
    kernel.patches[1].objects["vmlinux"].lose()
    assert held(kernel) == ["f by ops", "unknown"]


def test_a_boot_that_cannot_be_told(kernel: FakeKernel) -> None:
    """Then neither can its journal, nor whether it is ours that holds the function."""
    kernel.tasks[0].struct.lose()
    answer = status(kernel.view())
    (function,) = answer.held
    assert isinstance(function, HeldFunction)
    for value in (
        answer.boot,
        answer.journal,
        answer.journal_exists,
        function.operation,
        *answer.unfinished,
        *answer.in_force,
        *answer.other_boots,
    ):
        assert isinstance(value, Unknown)
    assert len((*answer.unfinished, *answer.in_force, *answer.other_boots)) == 3
    assert [problem.where for problem in answer.problems] == ["boot identity"]
    told = journal(kernel.view())
    for value in (told.boot, told.path, *told.operations):
        assert isinstance(value, Unknown)
    assert len(told.operations) == 1


def test_a_journal_that_cannot_be_read(kernel: FakeKernel) -> None:
    view = kernel.view()
    path: Path = journal_path(view.target.build_id, boot_identity(view))
    path.mkdir(parents=True)
    answer = status(kernel.view())
    (function,) = answer.held
    assert isinstance(function, HeldFunction)
    assert isinstance(function.operation, Unknown)
    assert answer.journal == str(path)
    assert isinstance(answer.in_force[0], Unknown)
    assert [problem.where for problem in answer.problems] == ["journal"]
