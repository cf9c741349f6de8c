# SPDX-License-Identifier: GPL-2.0-or-later
"""Sites as arrays: words, states, dialects, functions, users and what each calls."""

import numpy as np
import pytest

from klp_debug.analysis.audit.sites import ARMED, IDLE, UNKNOWN, Sites
from klp_debug.ppc64le.site import Dialect, SiteState
from klp_debug.ppc64le.site_words import DIALECTS
from tests.support.fake_view import FakeKernel
from tests.support.instructions import NOP, STD_R0_16_R1, TRAP, bl
from tests.support.kernel_structs import BUILDS, MPROFILE, OUT_OF_LINE, PCREL, Build

every_build = pytest.mark.parametrize("build", BUILDS)


def three(build: Build) -> FakeKernel:
    """Return a kernel with an idle site, an armed one and an armed one of a module's leaf."""
    kernel = FakeKernel(build)
    kernel.function("idle")
    kernel.ops("function_trace_call", kernel.function("armed"))
    kernel.ops("kprobe_ftrace_handler", kernel.function("leaf", "scsi_common", leaf=True))
    return kernel


@every_build
def test_words_and_states(build: Build) -> None:
    kernel = three(build)
    sites = Sites.of_kernel(kernel.view())
    functions = [kernel.functions[name] for name in ("idle", "armed", "leaf")]
    assert sites.ips.tolist() == [function.site for function in functions]
    assert sites.words.tolist() == [function.site_word for function in functions]
    assert sites.states.tolist() == [IDLE, ARMED, ARMED]
    assert sites.users.tolist() == [0, 1, 1]
    assert sites.flagged("ENABLED").tolist() == [False, True, True]
    assert sites.read.all()
    assert [sites.name(index) for index in range(3)] == [each.site_label for each in functions]


@every_build
def test_what_an_armed_site_calls(build: Build) -> None:
    kernel = three(build)
    sites = Sites.of_kernel(kernel.view())
    called = [kernel.address("ftrace_caller"), kernel.module("scsi_common").tramp]
    assert sites.has_call.tolist() == [build.out_of_line, True, True]
    assert sites.calls[1:].tolist() == called


@every_build
def test_functions_that_sites_are_in(build: Build) -> None:
    kernel = three(build)
    sites = Sites.of_kernel(kernel.view())
    functions = [kernel.functions[name] for name in ("idle", "armed", "leaf")]
    assert sites.in_function.all()
    assert sites.offsets.tolist() == [each.site - each.address for each in functions]
    assert sites.local_entries.tolist() == [each.local_entry - each.address for each in functions]
    assert sites.leaf.tolist() == [False, False, not build.pcrel]


@pytest.mark.parametrize(
    ("build", "dialect"),
    [
        (MPROFILE, Dialect.MPROFILE_KERNEL_2),
        (OUT_OF_LINE, Dialect.OUT_OF_LINE),
        (PCREL, Dialect.OUT_OF_LINE),
    ],
)
def test_dialects(build: Build, dialect: Dialect) -> None:
    sites = Sites.of_kernel(three(build).view())
    assert {DIALECTS[number] for number in sites.dialects.tolist()} == {dialect}


def test_a_site_of_three_instructions() -> None:
    kernel = FakeKernel()
    function = kernel.function("f")
    kernel.put_words(function.site, STD_R0_16_R1, NOP)
    function.record["ip"] = function.site + 4
    sites = Sites.of_kernel(kernel.view())
    assert DIALECTS[sites.dialects[0]] is Dialect.MPROFILE_KERNEL_3


def test_a_word_that_ftrace_does_not_write() -> None:
    kernel = FakeKernel()
    kernel.function("f").site_word = TRAP
    sites = Sites.of_kernel(kernel.view())
    assert sites.states.tolist() == [UNKNOWN]
    assert not sites.has_call.any()


def test_one_site_by_itself() -> None:
    kernel = three(MPROFILE)
    function = kernel.functions["armed"]
    site = Sites.of_kernel(kernel.view()).site(1)
    assert (site.address, site.offset) == (function.site, function.site - function.address)
    assert (site.state, site.target) == (SiteState.ARMED, kernel.address("ftrace_caller"))
    assert site.is_call
    assert Sites.of_kernel(kernel.view()).site(0).target is None


def test_some_of_the_sites() -> None:
    kernel = three(MPROFILE)
    view = kernel.view()
    sites = Sites(view, view.records.subset(np.array([1])))
    assert len(sites) == 1
    assert sites.name(0) == kernel.functions["armed"].site_label


def test_evidence() -> None:
    kernel = FakeKernel()
    function = kernel.function("f")
    kernel.patch("first", function)
    sites = Sites.of_kernel(kernel.view())
    assert sites.word(0) == f"{function.site:#018x} holds 0x{function.site_word:08x}"
    assert sites.flag_names(0) == "ENABLED IPMODIFY"
    function.has_flags(count=0)
    assert Sites.of_kernel(kernel.view()).flag_names(0) == "no flags"


@every_build
def test_text_that_cannot_be_read(build: Build) -> None:
    kernel = three(build)
    kernel.functions["armed"].lose_text()
    sites = Sites.of_kernel(kernel.view())
    assert sites.read.tolist() == [True, False, True]
    assert sites.words[1] == 0
    assert sites.states[1] == UNKNOWN


def test_a_record_in_no_function() -> None:
    kernel = FakeKernel()
    function = kernel.function("f")
    kernel.without_symbol("f")
    sites = Sites.of_kernel(kernel.view())
    assert not sites.in_function.any()
    assert sites.name(0) == f"{function.site:#x}"


# out of line


def test_its_stub_and_its_ops() -> None:
    kernel = three(OUT_OF_LINE)
    sites = Sites.of_kernel(kernel.view())
    assert sites.ool_read.all()
    assert sites.ool_valid.all()
    expected = [kernel.address("ftrace_nop_ops"), *(o.address for o in kernel.registered[::-1])]
    assert sites.ool_ops.tolist() == expected
    assert sites.ool_stub(0).startswith(f"{kernel.functions['idle'].ool_stub:#x}: 7c0802a6 ")


def test_a_stub_that_returns_behind_another_site() -> None:
    kernel = three(OUT_OF_LINE)
    idle, armed = kernel.functions["idle"], kernel.functions["armed"]
    idle.record["arch.ool_stub"] = armed.ool_stub
    sites = Sites.of_kernel(kernel.view())
    assert sites.ool_valid.tolist() == [False, True, True]
    assert sites.has_call.tolist() == [False, True, True]


def test_a_stub_that_is_none() -> None:
    kernel = three(OUT_OF_LINE)
    kernel.put_words(kernel.functions["armed"].ool_stub, NOP)
    assert Sites.of_kernel(kernel.view()).ool_valid.tolist() == [True, False, True]


def test_a_stub_that_cannot_be_read() -> None:
    kernel = three(OUT_OF_LINE)
    kernel.memory.lose(kernel.functions["armed"].ool_stub)
    sites = Sites.of_kernel(kernel.view())
    assert sites.ool_read.tolist() == [True, False, True]
    assert sites.has_call.tolist() == [True, False, True]


def test_a_kernel_without_out_of_line_stubs_has_none() -> None:
    kernel = three(MPROFILE)
    sites = Sites.of_kernel(kernel.view())
    assert not sites.ool_words.any()
    function = kernel.functions["idle"]
    function.site_word = bl(function.site, 0xC000000000100000)
    assert Sites.of_kernel(kernel.view()).calls[0] == 0xC000000000100000
