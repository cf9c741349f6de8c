# SPDX-License-Identifier: GPL-2.0-or-later
"""
Whether records, pointers and trampolines say what the registered ftrace_ops ask for.

What is right is by ``__ftrace_hash_rec_update()`` and ``ftrace_check_record()`` in
kernel/trace/ftrace.c; see tests/support/fake_ftrace.py.
"""

import pytest

from klp_debug.analysis.audit.disarmed import DisarmedFunctions
from klp_debug.analysis.audit.ops import Wanted, dispatcher_findings, ops_findings
from klp_debug.analysis.audit.sites import Sites
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.kernel.ftrace_ops import for_each_ftrace_ops
from klp_debug.result.common import Finding
from klp_debug.result.unknown import Unknown
from tests.support.fake_view import FakeKernel
from tests.support.findings import not_checked, only, told
from tests.support.instructions import NOP, bl
from tests.support.kernel_structs import BUILDS, MPROFILE, OUT_OF_LINE, Build

every_build = pytest.mark.parametrize("build", BUILDS)


def traced(build: Build) -> FakeKernel:
    """Return a kernel with functions that nobody, a patch, two ops and a kprobe are on."""
    kernel = FakeKernel(build)
    kernel.function("idle")
    patched, both = kernel.function("patched"), kernel.function("both", "scsi_common")
    kernel.patch("first", patched)
    kernel.ops("function_trace_call", both, patched)
    probed = kernel.function("probed")
    kernel.ops("kprobe_ftrace_handler", both, probed, flags=("ENABLED", "SAVE_REGS"))
    kernel.patch("second", kernel.function("alone"))
    return kernel


Judged = list[Finding | Unknown]


def of(view: KernelView) -> Judged:
    sites = Sites.of_kernel(view)
    return list(ops_findings(view, sites, DisarmedFunctions(view, sites)))


def found(kernel: FakeKernel) -> Judged:
    view = kernel.view()
    findings = of(view)
    assert view.problems.all() == ()
    return findings


@every_build
def test_as_ftrace_left_them(build: Build) -> None:
    assert found(traced(build)) == []


@every_build
def test_what_the_ops_ask_for(build: Build) -> None:
    kernel = traced(build)
    view = kernel.view()
    sites = Sites.of_kernel(view)
    registered = view.problems.walk("ftrace_ops_list", for_each_ftrace_ops(view.prog))
    wanted = Wanted.by(view, sites, registered)
    assert isinstance(wanted, Wanted)
    index = {
        name: sites.ips.tolist().index(f.site) for name, f in kernel.functions.items() if f.site
    }
    counts = {name: int(wanted.count[at]) for name, at in index.items()}
    assert counts == {"idle": 0, "patched": 2, "both": 2, "probed": 1, "alone": 1}
    assert {name for name, at in index.items() if wanted.regs[at]} == {"both", "probed"}
    assert {name for name, at in index.items() if wanted.ipmodify[at]} == {"patched", "alone"}
    assert wanted.last[index["alone"]] == kernel.stacks["alone"].ops.address
    assert not wanted.direct.any()
    assert not wanted.trampoline.any()


# counts and flags


@every_build
@pytest.mark.parametrize("count", [0, 1, 3])
def test_another_count(build: Build, count: int) -> None:
    kernel = traced(build)
    function = kernel.functions["both"]
    function.record["flags"] = function.record["flags"] - 2 + count
    finding = only(found(kernel))
    assert (finding.id, finding.subject) == ("ops-count-mismatch", function.site_label)
    assert finding.evidence == f"its record counts {count}, 2 ops want it"


@every_build
@pytest.mark.parametrize(
    ("name", "flag", "first"),
    [
        ("patched", "IPMODIFY", "IPMODIFY"),
        ("probed", "REGS_EN", "REGS_EN"),
        ("both", "IPMODIFY", "IPMODIFY"),
        ("both", "TRAMP", "TRAMP"),
        ("both", "DIRECT", "DIRECT"),
        ("patched", "REGS_EN", "REGS_EN"),
        ("idle", "REGS_EN", "REGS_EN"),
        ("idle", "IPMODIFY", "IPMODIFY"),
    ],
)
def test_a_flag_the_other_way_round(build: Build, name: str, flag: str, first: str) -> None:
    if build.linux_4_12 and flag == "DIRECT":
        pytest.skip("it has no direct calls")
    kernel = traced(build)
    function = kernel.functions[name]
    was_set = bool(function.record["flags"] & kernel.record_bits(flag))
    function.record["flags"] ^= kernel.record_bits(flag)
    finding = only(found(kernel))
    assert (finding.id, finding.subject) == ("record-flags-mismatch", function.site_label)
    state = "is not set" if was_set else "is set"
    assert f"dyn_ftrace at {function.record.address:#x}: {first} {state}; " in finding.evidence


@pytest.mark.parametrize("flag", ["CALL_OPS_EN", "TOUCHED", "MODIFIED"])
def test_a_newer_flag_the_other_way_round(flag: str) -> None:
    kernel = traced(OUT_OF_LINE)
    function = kernel.functions["alone"]
    function.record["flags"] ^= kernel.record_bits(flag)
    finding = only(found(kernel))
    assert (finding.id, finding.subject) == ("record-flags-mismatch", function.site_label)
    assert f": {flag} is not set; " in finding.evidence


def test_what_came_to_a_site_with_two_users_need_not_be_noted_as_modified() -> None:
    """The site was not written for it: seen of BPF behind a kprobe and a tracer, Linux 7.2."""
    kernel = traced(OUT_OF_LINE)
    function = kernel.functions["both"]
    kernel.patch("second", function)
    assert function.record["flags"] & kernel.record_bits("IPMODIFY")
    assert function.record["flags"] & kernel.record_bits("MODIFIED")
    function.record["flags"] &= ~kernel.record_bits("MODIFIED")
    assert found(kernel) == []


def test_regs_that_outlived_whoever_asked() -> None:
    """ftrace_hash_move() leaves it behind, so it is no contradiction."""
    kernel = traced(MPROFILE)
    kernel.functions["both"].has_flags("ENABLED", "REGS", "REGS_EN", count=2)
    kernel.registered[1].struct["flags"] = kernel.ops_bits("ENABLED")
    assert found(kernel) == []


def test_enabled_though_nobody_wants_it() -> None:
    kernel = FakeKernel()
    function = kernel.function("f")
    ops = kernel.ops("function_trace_call", function)
    ops.struct["local_hash.filter_hash"] = kernel.hash(kernel.function("other").site)
    kernel.functions["other"].has_flags("ENABLED", count=1)
    kernel.functions["other"].site_word = function.site_word
    function.has_flags("ENABLED", count=0)
    finding = only(found(kernel))
    assert (finding.id, finding.subject) == ("record-flags-mismatch", function.site_label)
    assert ": ENABLED is set; " in finding.evidence


def test_a_record_that_is_disabled_keeps_no_books() -> None:
    kernel = traced(MPROFILE)
    function = kernel.functions["both"]
    function.has_flags("DISABLED", count=7)
    function.site_word = NOP
    assert found(kernel) == []


def test_where_site_and_record_disagree_that_is_told_elsewhere() -> None:
    kernel = traced(MPROFILE)
    function = kernel.functions["both"]
    function.has_flags("IPMODIFY", count=2)
    assert found(kernel) == []


# pointers of a kernel with CALL_OPS


@pytest.mark.parametrize("name", ["idle", "both", "alone"])
def test_a_pointer_to_another_ops(name: str) -> None:
    kernel = traced(OUT_OF_LINE)
    function = kernel.functions[name]
    right = kernel.prog_u64(function.ool_stub - 8)
    expected = {
        "idle": kernel.address("ftrace_nop_ops"),
        "both": kernel.address("ftrace_list_ops"),
        "alone": kernel.stacks["alone"].ops.address,
    }
    assert right == expected[name]
    kernel.put_u64(function.ool_stub - 8, kernel.registered[1].address)
    finding = only(found(kernel))
    assert (finding.id, finding.subject) == ("site-wrong-ops", function.site_label)
    at, wrong = function.ool_stub - 8, kernel.registered[1].address
    assert finding.evidence.startswith(f"{at:#x} holds {wrong:#x}, not {right:#x}")


# callbacks


@every_build
def test_a_callback_that_is_no_function(build: Build) -> None:
    kernel = traced(build)
    ops = kernel.registered[1].struct
    ops["func"] = ops["func"] + 4
    finding = only(found(kernel))
    assert (finding.id, finding.subject) == ("ops-wrong-callback", f"ftrace_ops {ops.address:#x}")
    assert finding.evidence == f"func is {ops['func']:#x} (kprobe_ftrace_handler+0x4)"


@every_build
def test_a_patchs_ops_that_calls_another_function(build: Build) -> None:
    kernel = traced(build)
    ops = kernel.stacks["alone"].ops.struct
    ops["func"] = kernel.functions["idle"].address
    finding = only(found(kernel))
    assert finding.id == "ops-wrong-callback"
    assert finding.evidence.endswith("(idle), not klp_ftrace_handler: the original runs")


def test_one_that_a_debugger_holds_is_told_elsewhere() -> None:
    kernel = traced(MPROFILE)
    kernel.stacks["alone"].ops.struct["func"] = kernel.functions["ftrace_stub"].address
    assert found(kernel) == []


# whom the trampolines call


@pytest.mark.parametrize("label", ["ftrace_call", "ftrace_regs_call"])
def test_a_trampoline_that_calls_another_function(label: str) -> None:
    kernel = traced(MPROFILE)
    at, astray = kernel.address(label), kernel.functions["idle"].address
    kernel.put_words(at, bl(at, astray))
    finding = only(dispatcher_findings(kernel.view()))
    assert (finding.id, finding.subject) == ("trampoline-wrong-call", label)
    assert f"{at:#x} holds 0x{bl(at, astray):08x}, to {astray:#x} (idle); " in finding.evidence
    assert told(found(kernel)) == [("trampoline-wrong-call", label)]


def test_a_trampoline_that_calls_nothing() -> None:
    kernel = traced(MPROFILE)
    kernel.put_words(kernel.address("ftrace_call"), NOP)
    assert ", no branch; " in only(dispatcher_findings(kernel.view())).evidence


def test_a_killed_ftrace_leaves_the_trampolines_as_they_are() -> None:
    kernel = traced(MPROFILE)
    kernel.put_words(kernel.address("ftrace_call"), NOP)
    kernel.variable("ftrace_disabled", "int", 1)
    assert list(dispatcher_findings(kernel.view())) == []


def test_a_kernel_with_call_ops_has_no_dispatcher() -> None:
    assert list(dispatcher_findings(traced(OUT_OF_LINE).view())) == []


def test_a_dispatcher_that_cannot_be_read() -> None:
    kernel = traced(MPROFILE)
    kernel.memory.lose(kernel.address("ftrace_call"))
    view = kernel.view()
    findings = list(dispatcher_findings(view))
    assert told(findings) == []
    (problem,) = view.problems.all()
    assert problem.where == "ftrace_trace_function"
    assert not_checked(findings) == [f"{problem.where}: {problem.what}"]


# what cannot be read


@every_build
def test_an_ops_that_cannot_be_read_ends_the_comparison(build: Build) -> None:
    kernel = traced(build)
    kernel.memory.lose(kernel.registered[1].struct["local_hash.filter_hash"])
    kernel.functions["idle"].has_flags("IPMODIFY", count=3)
    view = kernel.view()
    findings = of(view)
    assert told(findings) == []
    (problem,) = view.problems.all()
    assert problem.where == f"ftrace_ops {kernel.registered[1].address:#x}"
    told_of = "what records say of their ftrace_ops"
    assert not_checked(findings) == [f"{told_of}: {problem.where}: {problem.what}"]


def test_a_list_that_breaks_off_ends_the_comparison() -> None:
    kernel = traced(MPROFILE)
    lost = kernel.registered[2].struct
    lost.lose()
    kernel.functions["idle"].has_flags("IPMODIFY", count=3)
    view = kernel.view()
    findings = of(view)
    assert told(findings) == []
    wheres = {problem.where for problem in view.problems.all()}
    assert wheres == {"ftrace_ops_list", f"ftrace_ops {lost.address:#x}"}
    assert any(reason.startswith("ftrace_ops_list: ") for reason in not_checked(findings))


def test_text_that_cannot_be_read_is_compared_with_nothing() -> None:
    kernel = traced(MPROFILE)
    function = kernel.functions["patched"]
    function.has_flags("ENABLED", count=2)  # IPMODIFY is missing
    function.lose_text()
    view = kernel.view()
    assert of(view) == []
