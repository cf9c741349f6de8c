# SPDX-License-Identifier: GPL-2.0-or-later
"""One site: its word, record, way, stubs, ops and findings, and none of another site."""

from itertools import pairwise

import pytest

from klp_debug.analysis.audit.site import report_site
from klp_debug.result.func import SiteResult
from klp_debug.result.site import SiteReport
from klp_debug.result.unknown import Unknown, known
from tests.support.fake_view import FakeKernel
from tests.support.findings import not_checked, told
from tests.support.instructions import NOP, TRAP, r2_stub
from tests.support.kernel_structs import BUILDS, MPROFILE, OUT_OF_LINE, Build

every_build = pytest.mark.parametrize("build", BUILDS)


def made(build: Build = MPROFILE) -> FakeKernel:
    """Return a kernel with an idle function and a leaf of a module that two patches replace."""
    kernel = FakeKernel(build)
    kernel.function("idle")
    leaf = kernel.function("leaf", "scsi_common", leaf=True)
    kernel.patch("first", leaf)
    kernel.patch("second", leaf)
    return kernel


def reported(kernel: FakeKernel, name: str) -> SiteReport:
    view = kernel.view()
    index = view.records.ips.tolist().index(kernel.functions[name].site)
    return report_site(view, index)


@every_build
def test_an_armed_one(build: Build) -> None:
    kernel = made(build)
    function = kernel.functions["leaf"]
    report = reported(kernel, "leaf")
    assert report.clean
    assert (report.function, report.module) == ("leaf", "scsi_common")
    assert report.leaf_without_toc is not build.pcrel
    assert isinstance(report.site, SiteResult)
    assert report.site.address == function.site
    assert report.site.offset == function.site - function.address
    assert (report.site.state, report.site.word) == ("armed", function.site_word)
    assert (report.record.address, report.record.ip) == (function.record.address, function.site)
    assert report.record.agrees is True
    assert report.record.users == 1
    assert (report.record.ool_stub or 0) == function.ool_stub
    (ops,) = known(report.ops)
    assert (ops.address, ops.user, ops.patch) == (
        kernel.stacks["leaf"].ops.address,
        "livepatch",
        "second",
    )


@every_build
def test_the_way_from_it_leads_link_by_link(build: Build) -> None:
    kernel = made(build)
    report = reported(kernel, "leaf")
    path = known(report.path)
    kinds = [hop.kind for hop in path]
    ool = ["ool-stub"] if build.out_of_line else []
    assert kinds == ["site", *ool, "stub", "trampoline", "dispatch"]
    assert all(hop.ok is True for hop in path)
    assert len(path) == len(report.path)
    for hop, following in pairwise(path):
        assert hop.next == following.address
    (stub,) = known(report.stubs)
    assert (stub.address, stub.owner) == (kernel.module("scsi_common").tramp, "scsi_common")
    assert stub.target == stub.funcdata == kernel.address("ftrace_caller")
    assert stub.needs == ("kernel-base" if build.pcrel else "kernel-toc")
    assert (stub.magic, stub.disagreement) == (0x73747562, None)


@every_build
def test_an_idle_one(build: Build) -> None:
    report = reported(made(build), "idle")
    assert report.clean
    assert isinstance(report.site, SiteResult)
    assert (report.site.state, report.site.target, report.ops) == ("idle", None, ())
    assert report.record.agrees is True


@pytest.mark.parametrize("build", [MPROFILE, OUT_OF_LINE])
def test_a_stub_through_r2(build: Build) -> None:
    kernel = made(build)
    module = kernel.module("scsi_common")
    target = kernel.address("ftrace_caller")
    module.put_stub(module.tramp, r2_stub(module.tramp, module.toc), target)
    report = reported(kernel, "leaf")
    assert told(report.findings) == [("toc-stub-on-leaf", kernel.functions["leaf"].site_label)]
    (stub,) = known(report.stubs)
    assert (stub.needs, stub.disagreement) == ("r2", None)
    assert [hop.ok for hop in known(report.path) if hop.kind == "stub"] == [False]


def test_a_stub_on_its_way_is_judged_too() -> None:
    kernel = made()
    kernel.put_words(kernel.module("scsi_common").tramp + 28, 0)
    report = reported(kernel, "leaf")
    assert told(report.findings) == [("stub-corrupt", "stub of scsi_common")]


def test_what_is_wrong_with_another_site_is_not_told() -> None:
    kernel = made()
    kernel.functions["idle"].site_word = TRAP
    assert reported(kernel, "leaf").clean
    assert told(reported(kernel, "idle").findings) == [
        ("site-unknown-word", kernel.functions["idle"].site_label)
    ]


def test_held_by_a_debugger() -> None:
    kernel = made()
    kernel.functions["leaf"].site_word = NOP
    report = reported(kernel, "leaf")
    assert told(report.findings) == [("disarmed-by-debugger", "leaf [scsi_common]")]
    assert report.record.agrees is False


def test_held_elsewhere_is_not_told() -> None:
    kernel = made()
    kernel.stacks["leaf"].ops.struct["func"] = kernel.functions["ftrace_stub"].address
    assert told(reported(kernel, "leaf").findings) == [
        ("disarmed-by-debugger", "leaf [scsi_common]")
    ]
    assert reported(kernel, "idle").findings == ()


def test_a_site_that_no_symbol_covers() -> None:
    kernel = made()
    kernel.without_symbol("idle")
    report = reported(kernel, "idle")
    assert isinstance(report.site, SiteResult)
    assert (report.function, report.module, report.site.offset) == (None, None, None)
    assert report.label == f"the function at {kernel.functions['idle'].site:#x}"


@every_build
def test_text_that_cannot_be_read(build: Build) -> None:
    kernel = made(build)
    kernel.functions["leaf"].lose_text()
    report = reported(kernel, "leaf")
    assert told(report.findings) == []
    where = f"the word at {kernel.functions['leaf'].site_label}"
    unread = Unknown(f"{where}: cannot be read")
    assert unread.reason in not_checked(report.findings)
    assert where in [problem.where for problem in report.problems]
    assert report.site == report.record.agrees == unread
    assert report.path == report.stubs == (unread,)
    assert not report.clean
    assert report.label == "leaf [scsi_common]"


def test_a_trampoline_that_cannot_be_read_ends_its_way() -> None:
    kernel = made()
    kernel.memory.lose(kernel.address("ftrace_caller"))
    report = reported(kernel, "leaf")
    assert [hop.kind for hop in known(report.path)] == ["site", "stub"]
    where = f"path of the site {kernel.functions['leaf'].site_label}"
    assert where in [problem.where for problem in report.problems]
    assert isinstance(report.path[-1], Unknown)
    assert report.path[-1].reason.startswith(f"{where}: ")
    # Behind the stub there is no other.
    assert [stub.owner for stub in known(report.stubs)] == ["scsi_common"]
    assert len(report.stubs) == 1
