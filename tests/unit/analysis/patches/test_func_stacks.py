# SPDX-License-Identifier: GPL-2.0-or-later
"""Who is on which func_stack; each test puts on it what ``klp_ops`` then has."""

import pytest

from klp_debug.analysis.patches.func_stacks import FuncStacks
from tests.support.fake_livepatch import FakePatch
from tests.support.fake_view import FakeKernel


@pytest.fixture
def kernel() -> FakeKernel:
    return FakeKernel()


def two_patches(kernel: FakeKernel) -> tuple[FakePatch, FakePatch]:
    """Patch one function twice, and another once."""
    once, twice = kernel.function("once"), kernel.function("twice", "scsi_common")
    return kernel.patch("first", once, twice), kernel.patch("second", twice)


def test_the_newest_patch_is_on_top(kernel: FakeKernel) -> None:
    first, second = two_patches(kernel)
    stacks = FuncStacks(kernel.view())
    by_function = {stack.old_func: stack for stack in stacks.all()}
    twice = by_function[kernel.functions["twice"].address]
    assert [func.value_() for func in twice.funcs] == [
        second.funcs["twice"].address,
        first.funcs["twice"].address,
    ]
    assert twice.ops.value_() == kernel.stacks["twice"].struct.address
    once = by_function[kernel.functions["once"].address]
    assert [func.value_() for func in once.funcs] == [first.funcs["once"].address]


def test_found_by_func_and_by_function(kernel: FakeKernel) -> None:
    first, second = two_patches(kernel)
    stacks = FuncStacks(kernel.view())
    below, top = first.funcs["twice"].object, second.funcs["twice"].object
    stack = stacks.of_func(below)
    assert stack is not None
    assert stack is stacks.of_func(top) is stacks.of_function(kernel.functions["twice"].address)
    assert (stack.position(top), stack.position(below)) == (0, 1)
    assert stack.position(first.funcs["once"].object) is None


def test_what_is_on_none(kernel: FakeKernel) -> None:
    two_patches(kernel)
    kernel.function("other")
    stacks = FuncStacks(kernel.view())
    assert stacks.of_function(kernel.functions["other"].address) is None
    assert stacks.of_func(kernel.new("klp_func").object) is None


def test_an_empty_stack_is_none(kernel: FakeKernel) -> None:
    kernel.patch("first", kernel.function("once"))
    kernel.link(kernel.stacks["once"].struct.at("func_stack"))
    assert list(FuncStacks(kernel.view()).all()) == []


def test_whether_its_ops_calls_the_handler(kernel: FakeKernel) -> None:
    kernel.patch("first", kernel.function("f"), kernel.function("g"))
    kernel.stacks["g"].ops.struct["func"] = kernel.functions["ftrace_stub"].address
    stacks = FuncStacks(kernel.view())
    assert stacks.handler == kernel.handler.address
    calls = {stack.old_func: stacks.calls_handler(stack) for stack in stacks.all()}
    assert calls == {kernel.functions["f"].address: True, kernel.functions["g"].address: False}


def test_a_damaged_stack_costs_no_other(kernel: FakeKernel) -> None:
    first, _ = two_patches(kernel)
    first.funcs["twice"].lose()
    view = kernel.view()
    stacks = FuncStacks(view)
    assert [stack.old_func for stack in stacks.all()] == [kernel.functions["once"].address]
    (problem,) = view.problems.all()
    assert problem.where == f"func_stack of klp_ops {kernel.stacks['twice'].struct.address:#x}"


def test_a_list_that_breaks_off(kernel: FakeKernel) -> None:
    two_patches(kernel)
    kernel.stacks["twice"].struct.lose()
    view = kernel.view()
    assert [stack.old_func for stack in FuncStacks(view).all()] == [
        kernel.functions["once"].address
    ]
    assert "list klp_ops" in [problem.where for problem in view.problems.all()]
