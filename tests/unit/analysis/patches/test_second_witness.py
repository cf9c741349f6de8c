# SPDX-License-Identifier: GPL-2.0-or-later
"""ftrace's record and the module's own mark tell of a patch whose structures are gone."""

import pytest

from klp_debug.analysis.patches.second_witness import may_be_original, may_be_replacement
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.kernel.symbols import KernelSymbol
from tests.support.fake_ftrace import FakeFunction
from tests.support.fake_livepatch import FakePatch
from tests.support.fake_view import FakeKernel
from tests.support.kernel_structs import BUILDS, Build

every_build = pytest.mark.parametrize("build", BUILDS)


def made(build: Build = BUILDS[0]) -> tuple[FakeKernel, FakeFunction, FakePatch]:
    """Return a kernel with a patched function, and the patch."""
    kernel = FakeKernel(build)
    function = kernel.function("f")
    patch = kernel.patch("first", function)
    return kernel, function, patch


def named(view: KernelView, name: str) -> KernelSymbol:
    (symbol,) = view.symbols.named(name)
    return symbol


@every_build
def test_an_original_by_its_record(build: Build) -> None:
    kernel, _, _ = made(build)
    kernel.ops("function_trace_call", kernel.function("traced"))
    kernel.function("idle")
    kernel.function("notrace", traced=False)
    view = kernel.view()
    found = [
        may_be_original(view, named(view, name)) for name in ("f", "traced", "idle", "notrace")
    ]
    assert found == [True, False, False, False]


def test_without_its_record_any_function_may_be_one() -> None:
    kernel, _, _ = made()
    kernel.function("idle", "scsi_common").record.lose()
    view = kernel.view()
    assert may_be_original(view, named(view, "idle"))


def test_a_replacement_by_its_module() -> None:
    kernel, _, _ = made()
    kernel.function("other", "scsi_common")
    view = kernel.view()
    found = [may_be_replacement(view, named(view, name)) for name in ("first_f", "other", "f")]
    assert found == [True, False, False]


def test_of_a_module_that_cannot_be_read_any_function_may_be_one() -> None:
    kernel, _, _ = made()
    kernel.function("other", "scsi_common")
    view = kernel.view()
    other, vmlinuxs = named(view, "other"), named(view, "f")
    kernel.module("scsi_common").struct.lose()
    view = kernel.view()
    assert may_be_replacement(view, other)
    assert not may_be_replacement(view, vmlinuxs)
