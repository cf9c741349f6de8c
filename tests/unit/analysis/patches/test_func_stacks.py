# SPDX-License-Identifier: GPL-2.0-or-later
"""Who is on which func_stack; each test puts on it what ``klp_ops`` then has."""

import pytest

from klp_debug.analysis.patches.func_stacks import FuncStacks
from tests.support.fake_livepatch import FakePatch
from tests.support.fake_view import FakeKernel
from tests.support.sure import sure, unread


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
    by_function = {stack.old_func: stack for stack in stacks.all}
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
    stack = sure(stacks.of_func(below))
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
    assert list(FuncStacks(kernel.view()).all) == []


def test_whether_its_ops_calls_the_handler(kernel: FakeKernel) -> None:
    kernel.patch("first", kernel.function("f"), kernel.function("g"))
    kernel.stacks["g"].ops.struct["func"] = kernel.functions["ftrace_stub"].address
    stacks = FuncStacks(kernel.view())
    assert stacks.handler == kernel.handler.address
    calls = {stack.old_func: stacks.calls_handler(stack) for stack in stacks.all}
    assert calls == {kernel.functions["f"].address: True, kernel.functions["g"].address: False}


def test_a_damaged_stack_costs_no_other(kernel: FakeKernel) -> None:
    first, second = two_patches(kernel)
    other = kernel.function("other")
    second.funcs["twice"].lose()
    view = kernel.view()
    stacks = FuncStacks(view)
    assert [stack.old_func for stack in stacks.all] == [kernel.functions["once"].address]
    where = f"func_stack of klp_ops {kernel.stacks['twice'].struct.address:#x}"
    assert [problem.where for problem in view.problems.all()] == [where]
    missing = unread(stacks.all.missing)
    assert missing.reason.startswith(f"{where}: not in the dump")
    # Whose stack that is, is not known; it may be any's that ftrace says is patched.
    assert stacks.of_function(kernel.functions["twice"].address) == missing
    assert stacks.of_function(other.address) is None
    assert sure(stacks.of_function(kernel.functions["once"].address)).missing is None
    assert stacks.of_func(first.funcs["twice"].object) == missing


def test_a_stack_is_kept_down_to_where_it_cannot_be_read(kernel: FakeKernel) -> None:
    first, second = two_patches(kernel)
    first.funcs["twice"].lose()
    view = kernel.view()
    stacks = FuncStacks(view)
    stack = sure(stacks.of_function(kernel.functions["twice"].address))
    assert [func.value_() for func in stack.funcs] == [second.funcs["twice"].address]
    assert stack is stacks.of_func(second.funcs["twice"].object)
    missing = unread(stack.missing)
    assert stacks.all.missing is None
    # It may be on what is left of that stack.
    assert stacks.of_func(first.funcs["twice"].object) == missing
    assert sure(stacks.of_func(first.funcs["once"].object)).missing is None


def test_a_list_that_breaks_off(kernel: FakeKernel) -> None:
    two_patches(kernel)
    kernel.stacks["twice"].struct.lose()
    view = kernel.view()
    stacks = FuncStacks(view)
    assert [stack.old_func for stack in stacks.all] == [kernel.functions["once"].address]
    missing = unread(stacks.all.missing)
    assert missing.reason.startswith("list klp_ops: not in the dump")
    assert stacks.of_function(kernel.functions["twice"].address) == missing
    assert "list klp_ops" in [problem.where for problem in view.problems.all()]


def test_a_list_that_cannot_be_read_at_all(kernel: FakeKernel) -> None:
    two_patches(kernel)
    other = kernel.function("other")
    kernel.memory.lose(kernel.klp_ops)
    stacks = FuncStacks(kernel.view())
    missing = unread(stacks.all.missing)
    for name in ("once", "twice"):
        assert stacks.of_function(kernel.functions[name].address) == missing
    # Its record says that no ops of livepatch wants it.
    assert stacks.of_function(other.address) is None


def test_without_its_record_a_function_may_be_patched(kernel: FakeKernel) -> None:
    two_patches(kernel)
    kernel.functions["once"].record.lose()
    kernel.memory.lose(kernel.klp_ops)
    stacks = FuncStacks(kernel.view())
    assert stacks.of_function(kernel.functions["once"].address) == unread(stacks.all.missing)
    # So may what has no symbol, and so no record that could be asked for.
    assert stacks.of_function(0xC00800000FFF0000) == stacks.all.missing
