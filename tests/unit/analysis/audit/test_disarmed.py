# SPDX-License-Identifier: GPL-2.0-or-later
"""Which functions a debugger holds disarmed, and what shows it."""

import numpy as np
import pytest

from klp_debug.analysis.audit.disarmed import DisarmedFunctions
from klp_debug.analysis.audit.sites import Sites
from tests.support.fake_view import FakeKernel
from tests.support.findings import not_checked, only, told
from tests.support.instructions import NOP
from tests.support.kernel_structs import BUILDS, MPROFILE, Build

every_build = pytest.mark.parametrize("build", BUILDS)


def patched(build: Build = MPROFILE) -> FakeKernel:
    kernel = FakeKernel(build)
    function = kernel.function("f", "scsi_common")
    kernel.patch("first", function)
    kernel.patch("second", function)
    return kernel


def looked_at(kernel: FakeKernel) -> DisarmedFunctions:
    view = kernel.view()
    return DisarmedFunctions(view, Sites.of_kernel(view))


SUBJECT = ("disarmed-by-debugger", "f [scsi_common]")


@every_build
def test_a_kernel_that_nobody_wrote_to(build: Build) -> None:
    disarmed = looked_at(patched(build))
    assert disarmed.missing is None
    assert (disarmed.findings, disarmed.ops, disarmed.ips) == ([], set(), set())


@every_build
def test_by_ops(build: Build) -> None:
    kernel = patched(build)
    ops = kernel.stacks["f"].ops
    ops.struct["func"] = kernel.functions["ftrace_stub"].address
    disarmed = looked_at(kernel)
    assert told(disarmed.findings) == [SUBJECT]
    assert only(disarmed.findings).evidence == (
        f"second, by ops: klp_ops.fops.func at {ops.struct.at('func'):#x} is ftrace_stub, not"
        " klp_ftrace_handler"
    )
    assert (disarmed.ops, disarmed.ips) == ({ops.address}, set())


@every_build
def test_by_site(build: Build) -> None:
    kernel = patched(build)
    function = kernel.functions["f"]
    function.site_word = NOP
    disarmed = looked_at(kernel)
    assert told(disarmed.findings) == [SUBJECT]
    assert only(disarmed.findings).evidence == (
        f"second, by site: its mcount site {function.site:#x} holds 0x60000000, though its"
        " ftrace_ops is enabled"
    )
    assert (disarmed.ops, disarmed.ips) == (set(), {function.site})


def test_by_redirect() -> None:
    kernel = patched()
    first, second = kernel.patches
    func = second.funcs["f"]
    func["new_func"] = first.replacements["f"].address
    disarmed = looked_at(kernel)
    assert only(disarmed.findings).evidence == (
        f"second, by redirect: klp_func.new_func at {func.at('new_func'):#x} is that of first"
        " below it"
    )
    assert (disarmed.ops, disarmed.ips) == (set(), set())


def test_by_nop_below_the_top() -> None:
    kernel = patched()
    func = kernel.patches[0].funcs["f"]
    func["nop"] = 1
    assert only(looked_at(kernel).findings).evidence == (
        f"first, by nop: klp_func.nop at {func.at('nop'):#x} is set, though new_func is not the"
        " original"
    )


def test_a_function_whose_site_is_not_asked_about() -> None:
    kernel = patched()
    kernel.functions["f"].site_word = NOP
    other = kernel.function("g")
    view = kernel.view()
    index = view.records.ips.tolist().index(other.site)
    sites = Sites(view, view.records.subset(np.array([index])))
    assert DisarmedFunctions(view, sites).findings == []


def test_a_kernel_without_livepatch() -> None:
    kernel = FakeKernel(Build(livepatch=False))
    kernel.function("f")
    view = kernel.view()
    assert DisarmedFunctions(view, Sites.of_kernel(view)).findings == []
    assert view.problems.all() == ()


def test_a_filter_that_cannot_be_read_costs_no_other_function() -> None:
    kernel = patched()
    other = kernel.function("g")
    kernel.patch("third", other)
    other.site_word = NOP
    kernel.memory.lose(kernel.stacks["f"].ops.struct["local_hash.filter_hash"])
    view = kernel.view()
    disarmed = DisarmedFunctions(view, Sites.of_kernel(view))
    assert told(disarmed.findings) == [("disarmed-by-debugger", "g")]
    at = kernel.stacks["f"].struct.address
    (problem,) = view.problems.all()
    assert problem.where == f"klp_ops {at:#x}"
    assert not_checked(disarmed.findings) == [f"{problem.where}: {problem.what}"]
    assert disarmed.missing is not None
