# SPDX-License-Identifier: GPL-2.0-or-later
"""What a function is to the live patch whose module it is in."""

import pytest

from klp_debug.analysis.patches.replacement_of import in_patch
from klp_debug.kernel.symbols import KernelSymbol
from klp_debug.result.func import InPatch
from klp_debug.result.unknown import Unknown
from tests.support.fake_view import FakeKernel


@pytest.fixture
def kernel() -> FakeKernel:
    made = FakeKernel()
    made.patch("first", made.function("f", "scsi_common"))
    made.function("helper", "first", traced=False)
    made.function("g", "other")
    return made


def of(kernel: FakeKernel, name: str) -> InPatch | Unknown | None:
    view = kernel.view()
    symbol = view.symbols.known_at(kernel.functions[name].address)
    assert isinstance(symbol, KernelSymbol)
    return in_patch(view, symbol)


def known(kernel: FakeKernel, name: str) -> InPatch:
    found = of(kernel, name)
    assert isinstance(found, InPatch)
    return found


def test_a_replacement_that_runs(kernel: FakeKernel) -> None:
    assert of(kernel, "first_f") == InPatch(
        patch="first",
        applied=True,
        replaces="f [scsi_common]",
        runs="replacement",
        tasks=None,
        above=None,
        disarmed=None,
    )


def test_one_below_another(kernel: FakeKernel) -> None:
    second = kernel.patch("second", kernel.functions["f"])
    found = known(kernel, "first_f")
    assert (found.runs, found.above) == ("overridden", "second")
    kernel.in_transition(second)
    found = known(kernel, "first_f")
    assert (found.runs, found.tasks) == ("in transition", "not yet switched")


def test_what_else_the_patch_has(kernel: FakeKernel) -> None:
    found = known(kernel, "helper")
    assert (found.patch, found.applied, found.replaces) == ("first", True, None)


def test_functions_of_no_patch(kernel: FakeKernel) -> None:
    assert of(kernel, "g") is None
    assert of(kernel, "f") is None


def test_a_patch_that_is_applied_no_more(kernel: FakeKernel) -> None:
    kernel.link(kernel.klp_patches)
    kernel.link(kernel.klp_ops)
    found = known(kernel, "first_f")
    assert (found.applied, found.replaces) == (False, None)


def test_a_patch_whose_module_is_being_loaded(kernel: FakeKernel) -> None:
    """It is on klp_patches once its init function has put it there."""
    loading = kernel.module("loading")
    loading.struct["klp"] = 1
    loading.struct["state"] = 1  # MODULE_STATE_COMING
    kernel.function("loading_f", "loading", traced=False)
    found = known(kernel, "loading_f")
    assert (found.patch, found.applied, found.replaces) == ("loading", False, None)


def test_one_that_a_debugger_holds_disarmed_by_nop(kernel: FakeKernel) -> None:
    kernel.patches[0].funcs["f"]["nop"] = 1
    found = known(kernel, "first_f")
    assert (found.replaces, found.runs) == ("f [scsi_common]", "original")
    assert found.disarmed == "nop"


def test_one_that_a_debugger_redirects(kernel: FakeKernel) -> None:
    """Which replacement the function had is in the kernel's memory no more."""
    second = kernel.patch("second", kernel.functions["f"])
    second.funcs["f"]["new_func"] = kernel.functions["first_f"].address
    found = of(kernel, "second_f")
    assert isinstance(found, Unknown)
    assert "debugger" in found.reason
    assert (known(kernel, "first_f").runs, known(kernel, "first_f").disarmed) == (
        "replacement",
        None,
    )


def test_what_another_patch_lacks_is_no_matter(kernel: FakeKernel) -> None:
    other = kernel.patch("second", kernel.function("h"))
    other.objects["vmlinux"].lose()
    assert known(kernel, "helper").replaces is None


def test_what_cannot_be_read(kernel: FakeKernel) -> None:
    kernel.memory.lose(kernel.klp_patches)
    assert isinstance(of(kernel, "first_f"), Unknown)
