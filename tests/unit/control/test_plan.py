# SPDX-License-Identifier: GPL-2.0-or-later
"""Nothing is planned that rests on what could not be read."""

import pytest
from drgn import FaultError

from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.control.plan import Plan, plan_disarm
from klp_debug.errors import CommandError
from klp_debug.kernel.walk import WalkError
from tests.support.fake_view import FakeKernel

UNREAD = (WalkError, FaultError)


@pytest.fixture
def kernel() -> FakeKernel:
    made = FakeKernel()
    made.symbol("ftrace_stub", made.address("_stext"))
    made.patch("first", made.function("f"))
    return made


def plan(view: KernelView, patch: str, function: str | None = None) -> Plan:
    return plan_disarm(view, patch, function, None)


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


SPELLINGS = ("g", "g,1", "g@1", "g,0", "scsi_mod:g", "scsi-mod:g,1", "g [scsi_mod]", "g+0x8/0x40")


@pytest.mark.parametrize("spec", SPELLINGS)
def test_one_function_by_each_spelling(kernel: FakeKernel, spec: str) -> None:
    kernel.patch("second", kernel.function("g", "scsi_mod"), kernel.function("h"))
    (write,) = plan(kernel.view(), "second", spec).writes
    assert write.function == "g [scsi_mod]"


@pytest.mark.parametrize("spec", ["g,2", "other:g", "vmlinux:g", "second_g", "no name"])
def test_what_the_patch_does_not_patch(kernel: FakeKernel, spec: str) -> None:
    kernel.patch("second", kernel.function("g", "scsi_mod"))
    with pytest.raises(CommandError, match="no function"):
        plan(kernel.view(), "second", spec)


def test_which_of_several_symbols_of_a_name(kernel: FakeKernel) -> None:
    second = kernel.patch("second", kernel.function("g"), kernel.function("h"))
    second.funcs["h"]["old_name"] = kernel.string("g")
    second.funcs["h"]["old_sympos"] = 2
    view = kernel.view()
    (first,) = plan(view, "second", "g,1").writes
    (other,) = plan(view, "second", "g,2").writes
    assert first.address == kernel.stacks["g"].ops.struct.at("func")
    assert other.address == kernel.stacks["h"].ops.struct.at("func")
    with pytest.raises(CommandError, match="say vmlinux:g,1 or vmlinux:g,2"):
        plan(view, "second", "g")
