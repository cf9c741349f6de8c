# SPDX-License-Identifier: GPL-2.0-or-later
"""A site and its record as answers show them."""

import pytest

from klp_debug.analysis.audit.sites import Sites
from klp_debug.analysis.chain.site_results import record_result, site_result
from klp_debug.result.unknown import Unknown
from tests.support.fake_view import FakeKernel
from tests.support.instructions import NOP, TRAP
from tests.support.kernel_structs import BUILDS, Build
from tests.support.sure import unread

every_build = pytest.mark.parametrize("build", BUILDS)


def made(build: Build) -> FakeKernel:
    kernel = FakeKernel(build)
    kernel.patch("first", kernel.function("f"))
    return kernel


@every_build
def test_an_armed_site(build: Build) -> None:
    kernel = made(build)
    function = kernel.functions["f"]
    view = kernel.view()
    result = site_result(view, Sites.of_kernel(view).site(0), 12)
    assert (result.address, result.offset, result.word) == (function.site, 12, function.site_word)
    assert result.state == "armed"
    called = function.ool_stub or kernel.address("ftrace_caller")
    assert result.target == called
    assert result.target_symbol == (None if build.out_of_line else "ftrace_caller")


def test_an_idle_site_goes_nowhere() -> None:
    kernel = FakeKernel()
    kernel.function("f")
    view = kernel.view()
    result = site_result(view, Sites.of_kernel(view).site(0), None)
    assert (result.state, result.target, result.target_symbol) == ("idle", None, None)


@every_build
def test_its_record(build: Build) -> None:
    kernel = made(build)
    function = kernel.functions["f"]
    view = kernel.view()
    result = record_result(view, view.records[0], Sites.of_kernel(view).site(0))
    assert (result.address, result.ip) == (function.record.address, function.site)
    assert (result.flags_word, result.users) == (function.record["flags"], 1)
    assert {"ENABLED", "IPMODIFY"} <= set(result.flags)
    assert (result.ool_stub or 0) == function.ool_stub
    assert result.agrees is True


@pytest.mark.parametrize("word", [NOP, TRAP])
def test_a_record_at_odds_with_the_word(word: int) -> None:
    kernel = made(BUILDS[0])
    kernel.functions["f"].site_word = word
    view = kernel.view()
    site = Sites.of_kernel(view).site(0)
    assert record_result(view, view.records[0], site).agrees is False
    assert record_result(view, view.records[0], None).agrees is False


def test_a_record_whose_site_cannot_be_read() -> None:
    view = made(BUILDS[0]).view()
    why = Unknown("text of f: is cut")
    assert record_result(view, view.records[0], why).agrees == why


def test_what_a_site_calls_has_no_symbol_that_is_known() -> None:
    kernel = FakeKernel()
    kernel.patch("first", kernel.function("f", "scsi_common"))
    module = kernel.module("scsi_common")
    module.kallsyms.lose()
    view = kernel.view()
    result = site_result(view, Sites.of_kernel(view).site(0), 12)
    assert result.target == module.tramp
    assert result.target_symbol == unread(view.symbols.missing)
