# SPDX-License-Identifier: GPL-2.0-or-later
"""What the page of a report shows besides: the chain of each patched function, and more."""

import pytest

from klp_debug.analysis.crash.report_page import report_page
from klp_debug.result.page import ReportPage
from tests.support.fake_view import FakeKernel
from tests.support.kernel_structs import BUILDS, MPROFILE, Build
from tests.support.sure import number, sure, unread, whole


def patched(build: Build = MPROFILE) -> FakeKernel:
    kernel = FakeKernel(build)
    kernel.variable("__vmalloc_start", "unsigned long", 0xC008000000000000)
    kernel.variable("__vmalloc_end", "unsigned long", 0xC00A000000000000)
    in_module = kernel.function("in_module", "scsi_common")
    kernel.patch("first", in_module, kernel.function("in_vmlinux"))
    kernel.function("idle")
    return kernel


def page_of(kernel: FakeKernel) -> ReportPage:
    return report_page(kernel.view())


@pytest.mark.parametrize("build", BUILDS)
def test_what_it_shows(build: Build) -> None:
    page = page_of(patched(build))
    assert page.clean
    assert page.problems == ()
    functions = whole(page.functions)
    assert [function.name for function in functions] == ["in_vmlinux", "in_module"]
    assert all(whole(function.chain)[-1].kind == "replacement" for function in functions)
    assert page.transition is not None
    assert page.transition.patch is None
    assert sum(number(kind.sites) for kind in whole(page.offsets)) == 3
    assert sum(number(kind.armed) for kind in whole(page.offsets)) == 2


def test_a_kernel_without_livepatch() -> None:
    page = page_of(FakeKernel(Build(livepatch=False)))
    assert (page.functions, page.transition) == ((), None)


def test_a_patched_function_that_no_symbol_names() -> None:
    kernel = patched()
    kernel.without_symbol("in_vmlinux")
    page = page_of(kernel)
    lost, function = page.functions
    assert sure(function).name == "in_module"
    at = kernel.functions["in_vmlinux"].address
    assert unread(lost).reason == f"function at {at:#x}: patched, but in no symbol"
    assert f"function at {at:#x}" in [problem.where for problem in page.problems]


def test_func_stacks_that_cannot_be_read() -> None:
    kernel = patched()
    kernel.memory.lose(kernel.klp_ops)
    page = page_of(kernel)
    (missing,) = page.functions
    assert unread(missing).reason.startswith("list klp_ops: not in the dump")
    assert not page.clean


def test_a_patched_function_whose_symbol_cannot_be_read() -> None:
    kernel = patched()
    kernel.module("scsi_common").kallsyms.lose()
    page = page_of(kernel)
    function, lost = page.functions
    assert sure(function).name == "in_vmlinux"
    assert unread(lost).reason.startswith("symbols of module at ")
