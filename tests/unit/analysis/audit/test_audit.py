# SPDX-License-Identifier: GPL-2.0-or-later
"""The whole audit: what it counts, what it lists, and that each fault gives one finding."""

from collections.abc import Callable

import pytest

from klp_debug.analysis.audit.audit import audit
from klp_debug.ppc64le.stub import StubKind
from klp_debug.result.audit import Audit, Count, Offsets
from klp_debug.result.unknown import Unknown, first_unknown, known
from tests.support.fake_view import FakeKernel
from tests.support.findings import not_checked, told
from tests.support.instructions import NOP, TRAP
from tests.support.kernel_structs import BUILDS, MPROFILE, OUT_OF_LINE, PCREL, Build

every_build = pytest.mark.parametrize("build", BUILDS)


def whole(build: Build) -> FakeKernel:
    """Return a kernel with patches, a tracer and a kprobe on functions of vmlinux and a module."""
    kernel = FakeKernel(build)
    kernel.function("idle")
    patched, both = kernel.function("patched"), kernel.function("both", "scsi_common", leaf=True)
    kernel.patch("first", patched, both)
    kernel.patch("second", both)
    kernel.ops("function_trace_call", both, name="global_ops")
    kernel.ops("kprobe_ftrace_handler", kernel.function("probed"), flags=("ENABLED", "SAVE_REGS"))
    return kernel


def audited(kernel: FakeKernel) -> Audit:
    return audit(kernel.view(), list_sites=True)


@every_build
def test_a_kernel_without_contradiction(build: Build) -> None:
    answer = audited(whole(build))
    assert answer.findings == ()
    assert answer.problems == ()
    assert answer.clean
    assert (answer.sites, answer.unread, answer.without_symbol) == (4, 0, 0)
    assert answer.states == (Count("idle", 1), Count("armed", 3))


@pytest.mark.parametrize(
    ("build", "dialect", "offsets"),
    [
        (
            MPROFILE,
            "mprofile-kernel (2 instructions)",
            (Offsets(False, 4, 1), Offsets(True, 12, 3)),
        ),
        (OUT_OF_LINE, "out-of-line", (Offsets(False, 0, 1), Offsets(True, 8, 3))),
        (PCREL, "out-of-line", (Offsets(False, 0, 4),)),
    ],
)
def test_what_it_counts(build: Build, dialect: str, offsets: tuple[Offsets, ...]) -> None:
    answer = audited(whole(build))
    assert answer.dialects == (Count(dialect, 4),)
    assert answer.offsets == offsets
    (stubs,) = known(answer.stubs)
    kind = StubKind.PCREL_KERNEL_BASE if build.pcrel else StubKind.KERNEL_TOC
    # Two of each module: scsi_common, first, second.
    assert (stubs.what, stubs.stubs) == (kind.value, 6)


@every_build
def test_the_list_of_sites(build: Build) -> None:
    kernel = whole(build)
    listing = audited(kernel).listing
    assert listing is not None
    by_name = {str(site.function): site for site in known(listing)}
    assert list(by_name) == ["idle", "patched", "probed", "both"]
    both = by_name["both"]
    function = kernel.functions["both"]
    assert (both.address, both.module) == (function.site, "scsi_common")
    assert both.offset == function.site - function.address
    assert (both.state, both.users) == ("armed", 2)
    assert {"ENABLED", "IPMODIFY"} <= set(both.flags)
    assert "I" in both.letters
    assert "R" in by_name["probed"].letters
    assert (by_name["idle"].state, by_name["idle"].flags) == ("idle", ())


def test_no_list_where_none_was_asked_for() -> None:
    assert audit(whole(MPROFILE).view()).listing is None


Fault = Callable[[FakeKernel], None]


def _trap(kernel: FakeKernel) -> None:
    kernel.functions["patched"].site_word = TRAP


def _idle(kernel: FakeKernel) -> None:
    kernel.functions["probed"].site_word = NOP


def _disarmed(kernel: FakeKernel) -> None:
    kernel.functions["patched"].site_word = NOP


def _count(kernel: FakeKernel) -> None:
    kernel.functions["both"].record["flags"] += 1


def _flags(kernel: FakeKernel) -> None:
    kernel.functions["both"].record["flags"] ^= kernel.record_bits("IPMODIFY")


def _callback(kernel: FakeKernel) -> None:
    kernel.registered[0].struct["func"] += 4


def _stub(kernel: FakeKernel) -> None:
    kernel.put_words(kernel.module("second").tramp + 28, 0)


def _killed(kernel: FakeKernel) -> None:
    kernel.variable("ftrace_disabled", "int", 1)


@every_build
@pytest.mark.parametrize(
    ("fault", "kind", "subject"),
    [
        (_trap, "site-unknown-word", "patched"),
        (_idle, "site-record-mismatch", "probed"),
        (_disarmed, "disarmed-by-debugger", "patched"),
        (_count, "ops-count-mismatch", "both"),
        (_flags, "record-flags-mismatch", "both"),
        (_callback, "ops-wrong-callback", "ftrace_ops"),
        (_stub, "stub-corrupt", "stub of second"),
        (_killed, "ftrace-disabled", "ftrace"),
    ],
)
def test_one_fault_gives_one_finding(build: Build, fault: Fault, kind: str, subject: str) -> None:
    kernel = whole(build)
    fault(kernel)
    answer = audited(kernel)
    ((found, on),) = told(answer.findings)
    assert found == kind
    assert on.startswith(subject)
    assert answer.problems == ()
    assert not answer.clean


@every_build
def test_text_that_cannot_be_read(build: Build) -> None:
    kernel = whole(build)
    for name in ("idle", "patched"):
        kernel.functions[name].lose_text()
    answer = audited(kernel)
    assert answer.unread == 2
    assert told(answer.findings) == []
    label = kernel.functions["idle"].site_label
    where = f"the word at {label} and 1 more"
    assert f"{where}: cannot be read" in not_checked(answer.findings)
    assert where in [problem.where for problem in answer.problems]
    (armed,) = known(answer.states)
    assert (armed.what, str(armed.sites)) == ("armed", "at least 2")
    assert [str(count.sites) for count in known(answer.dialects)] == ["at least 2"]
    assert first_unknown(answer.states) is not None
    assert first_unknown(answer.dialects) is not None
    # Where they are in their functions, records and symbols tell.
    assert first_unknown(answer.offsets) is None


def test_an_out_of_line_stub_that_cannot_be_read() -> None:
    kernel = whole(OUT_OF_LINE)
    function = kernel.functions["probed"]
    kernel.memory.lose(function.ool_stub)
    answer = audited(kernel)
    where = f"the out-of-line stub of {function.site_label}"
    assert told(answer.findings) == []
    assert not_checked(answer.findings) == [f"{where}: cannot be read"]
    assert [problem.where for problem in answer.problems] == [where]


def test_records_that_cannot_be_read() -> None:
    kernel = whole(MPROFILE)
    kernel.functions["idle"].record.lose()
    answer = audited(kernel)
    # Those of scsi_common are on a page of their own.
    assert str(answer.sites) == str(answer.read) == "at least 1"
    assert str(answer.without_symbol) == "at least 0"
    assert answer.unread == 0
    assert told(answer.findings) == []
    assert [problem.where for problem in answer.problems] == ["ftrace records"]
    (reason,) = not_checked(answer.findings)
    assert reason.startswith("sites whose records cannot be read: ftrace records: ")
    counts: tuple[Count | Offsets | Unknown, ...]
    counts = (*answer.dialects, *answer.states, *answer.offsets)
    seen: tuple[Count | Offsets, ...] = known(counts)
    assert [str(count.sites) for count in seen] == ["at least 1"] * 3
    assert len(counts) == 6
    assert answer.listing is not None
    assert [site.function for site in known(answer.listing)] == ["both"]
    assert first_unknown(answer.listing) is not None


def test_whether_ftrace_was_killed_cannot_be_read() -> None:
    kernel = whole(OUT_OF_LINE)
    kernel.forget("ftrace_disabled")
    answer = audited(kernel)
    assert told(answer.findings) == []
    assert not_checked(answer.findings) == ["ftrace_disabled: this kernel has no ftrace_disabled"]
    assert [problem.where for problem in answer.problems] == ["ftrace_disabled"]
