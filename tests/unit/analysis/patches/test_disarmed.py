# SPDX-License-Identifier: GPL-2.0-or-later
"""Each state that only a debugger makes is recognised, and no state that the kernel makes."""

import pytest
from drgn import FaultError

from klp_debug.analysis.patches.disarmed import (
    disarmed_by,
    entry_disarmed_by,
    ftrace_stub,
    redirected_to,
    stack_disarmed_by,
)
from klp_debug.analysis.patches.func_stacks import FuncStack, FuncStacks
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.result.list import Mechanism
from klp_debug.result.unknown import Unknown
from tests.support.fake_view import FakeKernel
from tests.support.instructions import NOP, TRAP
from tests.support.kernel_structs import BUILDS, Build
from tests.support.sure import sure, unread

every_build = pytest.mark.parametrize("build", BUILDS)


def patched(build: Build = BUILDS[0]) -> FakeKernel:
    """Return a kernel with a function that has two replacements, ``first`` below ``second``."""
    kernel = FakeKernel(build)
    function = kernel.function("f")
    kernel.patch("first", function)
    kernel.patch("second", function)
    return kernel


def looked_at(kernel: FakeKernel) -> tuple[KernelView, FuncStack]:
    view = kernel.view()
    return view, sure(FuncStacks(view).of_function(kernel.functions["f"].address))


def each(kernel: FakeKernel) -> list[Mechanism | Unknown | None]:
    """Return how each entry of the stack is held, the top first."""
    view, stack = looked_at(kernel)
    return [disarmed_by(view, stack, position) for position in range(len(stack.funcs))]


@every_build
def test_a_kernel_that_nobody_wrote_to(build: Build) -> None:
    assert each(patched(build)) == [None, None]


@every_build
def test_by_ops(build: Build) -> None:
    kernel = patched(build)
    kernel.stacks["f"].ops.struct["func"] = kernel.functions["ftrace_stub"].address
    assert each(kernel) == ["ops", None]


@every_build
def test_by_site(build: Build) -> None:
    kernel = patched(build)
    kernel.functions["f"].site_word = NOP
    assert each(kernel) == ["site", None]


def test_an_idle_site_whose_ops_is_not_enabled_is_ftraces_own() -> None:
    kernel = patched()
    kernel.functions["f"].site_word = NOP
    kernel.stacks["f"].ops.struct["flags"] = kernel.ops_bits("INITIALIZED")
    assert each(kernel) == [None, None]


def test_a_trap_on_the_site_does_not_disarm_it() -> None:
    kernel = patched()
    kernel.functions["f"].site_word = TRAP
    assert each(kernel) == [None, None]


def test_the_idle_site_of_another_function_in_the_filter() -> None:
    """The filter of a patch has the one site of its function; this is a filter gone wrong."""
    kernel = patched()
    other = kernel.function("g")
    ops = kernel.stacks["f"].ops.struct
    ops["local_hash.filter_hash"] = kernel.hash(other.site)
    assert each(kernel) == [None, None]


def test_by_redirect() -> None:
    kernel = patched()
    first, second = kernel.patches
    second.funcs["f"]["new_func"] = first.replacements["f"].address
    assert each(kernel) == ["redirect", None]
    view, stack = looked_at(kernel)
    assert sure(redirected_to(view, stack, 0)).value_() == first.funcs["f"].address
    assert redirected_to(view, stack, 1) is None


def test_by_nop() -> None:
    kernel = patched()
    kernel.patches[1].funcs["f"]["nop"] = 1
    assert each(kernel) == ["nop", None]
    kernel.patches[1].funcs["f"]["nop"] = 0
    kernel.patches[0].funcs["f"]["nop"] = 1
    assert each(kernel) == [None, "nop"]


def test_the_nop_of_an_atomic_replace_is_livepatchs_own() -> None:
    kernel = FakeKernel()
    function = kernel.function("f")
    kernel.patch("first", function)
    kernel.patch("empty", nops=(function,), replace=True)
    assert each(kernel) == [None, None]


def test_a_nop_below_is_no_version_to_be_redirected_to() -> None:
    kernel = FakeKernel()
    function = kernel.function("f")
    kernel.patch("empty", nops=(function,), replace=True)
    second = kernel.patch("second", function)
    second.funcs["f"]["new_func"] = function.address
    view, stack = looked_at(kernel)
    assert redirected_to(view, stack, 0) is None


def test_what_holds_the_whole_stack_is_told_first() -> None:
    kernel = patched()
    kernel.patches[1].funcs["f"]["nop"] = 1
    kernel.functions["f"].site_word = NOP
    view, stack = looked_at(kernel)
    assert stack_disarmed_by(view, stack) == "site"
    assert entry_disarmed_by(view, stack, 0) == "nop"
    assert disarmed_by(view, stack, 0) == "site"


def test_a_site_that_cannot_be_read() -> None:
    kernel = patched()
    view, stack = looked_at(kernel)
    kernel.functions["f"].lose_text()
    with pytest.raises(FaultError):
        stack_disarmed_by(view, stack)


def test_a_filter_that_cannot_be_read() -> None:
    kernel = patched()
    view, stack = looked_at(kernel)
    kernel.memory.lose(kernel.stacks["f"].ops.struct["local_hash.filter_hash"])
    with pytest.raises(FaultError):
        stack_disarmed_by(view, stack)


def test_the_stub_that_does_nothing() -> None:
    kernel = FakeKernel()
    assert ftrace_stub(kernel.view()) == kernel.functions["ftrace_stub"].address
    kernel.without_symbol("ftrace_stub")
    assert ftrace_stub(kernel.view()) is None


def test_the_original_has_no_symbol_that_is_known() -> None:
    """Its site cannot be told from those of other functions in the filter."""
    kernel = FakeKernel()
    function = kernel.function("f", "scsi_common")
    kernel.patch("first", function)
    function.site_word = NOP
    kernel.module("scsi_common").kallsyms.lose()
    view, stack = looked_at(kernel)
    assert stack_disarmed_by(view, stack) == unread(view.symbols.missing)
    assert disarmed_by(view, stack, 0) == view.symbols.missing


def cut(kernel: FakeKernel) -> tuple[KernelView, FuncStack]:
    """Take the lower entry of the stack away."""
    kernel.patches[0].funcs["f"].lose()
    view, stack = looked_at(kernel)
    assert len(stack.funcs) == 1
    return view, stack


def test_the_rest_of_the_stack_is_unknown_but_the_replacement_is_the_patchs_own() -> None:
    view, stack = cut(patched())
    assert redirected_to(view, stack, 0) is None
    assert disarmed_by(view, stack, 0) is None


def test_the_rest_of_the_stack_is_unknown_and_the_replacement_is_not_the_patchs_own() -> None:
    kernel = patched()
    kernel.patches[1].funcs["f"]["new_func"] = kernel.patches[0].replacements["f"].address
    view, stack = cut(kernel)
    assert redirected_to(view, stack, 0) == unread(stack.missing)
    assert entry_disarmed_by(view, stack, 0) == stack.missing
    assert disarmed_by(view, stack, 0) == stack.missing


def test_what_disarms_an_entry_is_told_though_the_whole_stack_is_unknown() -> None:
    kernel = FakeKernel()
    kernel.patch("first", kernel.function("f", "scsi_common")).funcs["f"]["nop"] = 1
    kernel.module("scsi_common").kallsyms.lose()
    view, stack = looked_at(kernel)
    unread(stack_disarmed_by(view, stack))
    assert disarmed_by(view, stack, 0) == "nop"
