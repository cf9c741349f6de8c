# SPDX-License-Identifier: GPL-2.0-or-later
"""Nothing is planned that rests on what could not be read."""

import pytest
from drgn import FaultError

from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.control.plan import Plan, plan_disarm
from klp_debug.kernel.walk import WalkError
from tests.support.fake_view import FakeKernel

UNREAD = (WalkError, FaultError)


@pytest.fixture
def kernel() -> FakeKernel:
    made = FakeKernel()
    made.symbol("ftrace_stub", made.address("_stext"))
    made.patch("first", made.function("f"))
    return made


def plan(view: KernelView, patch: str) -> Plan:
    return plan_disarm(view, patch, None, None)


def test_by_ops(kernel: FakeKernel) -> None:
    (write,) = plan(kernel.view(), "first").writes
    assert (write.mechanism, write.address) == ("ops", kernel.stacks["f"].ops.struct.at("func"))


def test_on_top_of_another_patch_by_redirect(kernel: FakeKernel) -> None:
    kernel.patch("second", kernel.functions["f"])
    (write,) = plan(kernel.view(), "second").writes
    assert write.mechanism == "redirect"
    (skipped,) = plan(kernel.view(), "first").skipped
    assert skipped == "f: overridden by second: does not run"


def test_the_func_stack_cannot_be_read(kernel: FakeKernel) -> None:
    kernel.stacks["f"].struct.lose()
    with pytest.raises(UNREAD):
        plan(kernel.view(), "first")


def test_what_is_below_cannot_be_read(kernel: FakeKernel) -> None:
    """By ops the patch below would be switched off too; that there is one is not known."""
    below = kernel.patches[0].funcs["f"]
    kernel.patch("second", kernel.functions["f"])
    below.lose()
    with pytest.raises(UNREAD):
        plan(kernel.view(), "second")


def test_a_func_that_is_not_patched_rests_on_no_func_stack(kernel: FakeKernel) -> None:
    """Which stacks there are cannot be told, but that it is on none."""
    other = kernel.patch("second", kernel.function("g"))
    for stack in kernel.stacks.values():
        stack.struct.lose()
    other.funcs["g"]["patched"] = 0
    (skipped,) = plan(kernel.view(), "second").skipped
    assert skipped.startswith("g: not patched now")


def test_the_list_of_patches_breaks_off(kernel: FakeKernel) -> None:
    """A patch that is not found may be behind that place."""
    kernel.patches[0].struct.lose()
    with pytest.raises(UNREAD):
        plan(kernel.view(), "second")
