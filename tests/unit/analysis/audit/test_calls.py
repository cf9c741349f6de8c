# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether what each site calls leads to the right trampoline, and each stub where it must."""

import pytest

from klp_debug.analysis.audit.calls import call_findings, stub_findings
from klp_debug.analysis.audit.sites import Sites
from klp_debug.analysis.chain.stubs import Stubs
from klp_debug.result.common import Finding, Problem
from klp_debug.result.unknown import Unknown
from tests.support.fake_ftrace import FakeFunction
from tests.support.fake_kernel import Struct
from tests.support.fake_view import FakeKernel
from tests.support.findings import not_checked, only, told
from tests.support.instructions import NOP, b, kernel_toc_stub, r2_stub
from tests.support.kernel_structs import (
    BUILDS,
    LINUX_4_12,
    MPROFILE,
    OUT_OF_LINE,
    SINCE_4_18,
    Build,
)

every_build = pytest.mark.parametrize("build", BUILDS)
since_4_18 = pytest.mark.parametrize("build", SINCE_4_18)
with_toc = pytest.mark.parametrize("build", [MPROFILE, OUT_OF_LINE])
TRAMP_OF_VMLINUX = 0xC000000000280000


def traced(build: Build) -> FakeKernel:
    """Return a kernel with an armed site in vmlinux and one in a leaf of a module."""
    kernel = FakeKernel(build)
    kernel.function("idle")
    kernel.ops("function_trace_call", kernel.function("armed"))
    kernel.ops("function_trace_call", kernel.function("leaf", "scsi_common", leaf=True))
    return kernel


Judged = list[Finding | Unknown]


def found(kernel: FakeKernel) -> tuple[Judged, Judged, tuple[Problem, ...]]:
    """Return what is found of calls, of stubs, and what could not be read."""
    view = kernel.view()
    sites, stubs = Sites.of_kernel(view), Stubs(view)
    calls = list(call_findings(view, sites, stubs))
    return calls, list(stub_findings(view, sites, stubs)), view.problems.all()


def of_calls(kernel: FakeKernel) -> Judged:
    calls, stubs, problems = found(kernel)
    assert (stubs, problems) == ([], ())
    return calls


def of_stubs(kernel: FakeKernel) -> Judged:
    calls, stubs, problems = found(kernel)
    assert (calls, problems) == ([], ())
    return stubs


def subject(kernel: FakeKernel, name: str) -> str:
    return kernel.functions[name].site_label


@every_build
def test_as_ftrace_left_them(build: Build) -> None:
    assert found(traced(build)) == ([], [], ())


@every_build
def test_a_call_of_something_else(build: Build) -> None:
    kernel = traced(build)
    function, astray = kernel.functions["armed"], kernel.function("idle_too")
    function.call(astray.address)
    finding = only(of_calls(kernel))
    assert (finding.id, finding.subject) == ("site-wrong-target", subject(kernel, "armed"))
    assert finding.evidence.startswith(
        f"its out-of-line stub at {function.ool_stub:#x}: "
        if build.out_of_line
        else f"{function.site:#x} holds "
    )
    assert f", which goes to {astray.address:#x}" in finding.evidence


@every_build
def test_a_call_to_what_is_not_in_the_dump(build: Build) -> None:
    kernel = traced(build)
    kernel.functions["armed"].call(TRAMP_OF_VMLINUX)
    calls, stubs, problems = found(kernel)
    assert told(calls) == told(stubs) == []
    where = f"stub at {TRAMP_OF_VMLINUX:#x}"
    reason = f"{where}: not in the dump: {TRAMP_OF_VMLINUX:#x}"
    assert not_checked(calls) == [f"calls of 1 site: {reason}"]
    assert not_checked(stubs) == [reason]
    assert [problem.where for problem in problems] == [where]


@every_build
def test_a_call_to_where_nothing_is(build: Build) -> None:
    kernel = traced(build)
    kernel.memory.unmap(TRAMP_OF_VMLINUX)
    kernel.functions["armed"].call(TRAMP_OF_VMLINUX)
    calls, _, _ = found(kernel)
    finding = only(calls)
    assert (finding.id, finding.subject) == ("site-wrong-target", subject(kernel, "armed"))
    assert ", where nothing is (not mapped" in finding.evidence


@since_4_18
@pytest.mark.parametrize("name", ["armed", "leaf"])
def test_the_trampoline_with_all_registers_though_nobody_asked(build: Build, name: str) -> None:
    kernel = traced(build)
    function = kernel.functions[name]
    function.call(kernel.trampoline(function.module, regs=True))
    finding = only(of_calls(kernel))
    assert (finding.id, finding.subject) == ("site-wrong-trampoline", subject(kernel, name))
    assert "leads to ftrace_regs_caller, its record (" in finding.evidence
    assert finding.evidence.endswith("asks for ftrace_caller")


@since_4_18
@pytest.mark.parametrize("name", ["armed", "leaf"])
def test_the_trampoline_without_them_though_somebody_did(build: Build, name: str) -> None:
    kernel = FakeKernel(build)
    functions = kernel.function("armed"), kernel.function("leaf", "scsi_common", leaf=True)
    kernel.ops("kprobe_ftrace_handler", *functions, flags=("ENABLED", "SAVE_REGS"))
    assert of_calls(kernel) == []
    function = kernel.functions[name]
    function.call(kernel.trampoline(function.module, regs=False))
    finding = only(of_calls(kernel))
    assert (finding.id, finding.subject) == ("site-wrong-trampoline", subject(kernel, name))
    assert finding.evidence.endswith("asks for ftrace_regs_caller")


def test_the_one_trampoline_of_old_serves_both() -> None:
    kernel = traced(LINUX_4_12)
    probed = kernel.function("probed")
    kernel.ops("kprobe_ftrace_handler", probed, flags=("ENABLED", "SAVE_REGS"))
    assert of_calls(kernel) == []
    probed.call(kernel.functions["idle"].address)
    finding = only(of_calls(kernel))
    assert (finding.id, finding.subject) == ("site-wrong-target", "probed+0xc")


def test_a_record_at_odds_with_itself_is_told_as_that() -> None:
    kernel = traced(MPROFILE)
    kernel.functions["armed"].has_flags("ENABLED", "REGS_EN", count=1)
    assert of_calls(kernel) == []


# through r2


@with_toc
def test_a_stub_through_r2_on_a_leaf(build: Build) -> None:
    """The failure that Petr Mladek described in 2016: a leaf's r2 is its caller's."""
    kernel = traced(build)
    module = kernel.module("scsi_common")
    target = kernel.address("ftrace_caller")
    module.put_stub(module.tramp, r2_stub(module.tramp, module.toc), target)
    finding = only(of_calls(kernel))
    assert (finding.id, finding.subject) == ("toc-stub-on-leaf", subject(kernel, "leaf"))
    assert finding.evidence.startswith(f"stub at {module.tramp:#x}: 3d62")


@with_toc
def test_a_stub_through_r2_where_the_function_set_it(build: Build) -> None:
    kernel = FakeKernel(build)
    kernel.ops("function_trace_call", kernel.function("f", "scsi_common"))
    module = kernel.module("scsi_common")
    target = kernel.address("ftrace_caller")
    module.put_stub(module.tramp, r2_stub(module.tramp, module.toc), target)
    assert found(kernel) == ([], [], ())


# stubs by themselves


@with_toc
def test_an_ftrace_stub_that_leads_elsewhere(build: Build) -> None:
    kernel = traced(build)
    module = kernel.module("scsi_common")
    offset = kernel.paca.at("kernel_toc") - kernel.paca.address
    astray = kernel.functions["idle"].address
    words = kernel_toc_stub(offset, astray - kernel.kernel_toc)
    module.put_stub(module.tramp, words, astray)
    finding = only(of_stubs(kernel))
    assert (finding.id, finding.subject) == (
        "stub-wrong-target",
        "stub of scsi_common, called by 1 armed sites",
    )
    assert finding.evidence.endswith(f"leads to {astray:#x}, not to ftrace_caller")


@every_build
def test_words_that_are_no_stub(build: Build) -> None:
    kernel = traced(build)
    module = kernel.module("scsi_common")
    kernel.put_words(module.tramp, NOP, NOP, NOP, 0x4E800020)
    finding = only(of_stubs(kernel))
    assert finding.id == "stub-corrupt"
    assert finding.evidence.endswith("; no known stub")


@every_build
@pytest.mark.parametrize("which", ["tramp", "ordinary"])
def test_another_magic(build: Build, which: str) -> None:
    kernel = traced(build)
    module = kernel.module("scsi_common")
    stub = module.tramp if which == "tramp" else module.stub(kernel.functions["idle"].address)
    kernel.put_words(stub + 28, 0x12345678)
    finding = only(of_stubs(kernel))
    assert finding.id == "stub-corrupt"
    assert finding.evidence.endswith("; its magic is 0x12345678, not 0x73747562")


@since_4_18
def test_the_funcdata_of_an_ftrace_stub(build: Build) -> None:
    kernel = traced(build)
    module = kernel.module("scsi_common")
    kernel.put_u64(module.tramp_regs + 32, 0xC000000000001234)
    finding = only(of_stubs(kernel))
    assert (finding.id, finding.subject) == ("stub-corrupt", "stub of scsi_common")
    assert finding.evidence.endswith("; its funcdata says 0xc000000000001234")


@with_toc
def test_an_ordinary_stub_for_the_toc_of_another_module(build: Build) -> None:
    kernel = traced(build)
    module = kernel.module("scsi_common")
    target = kernel.functions["idle"].address
    stub = module.stub(target)
    module.put_stub(stub, r2_stub(stub, module.toc + 0x100), target)
    calls, stubs, problems = found(kernel)
    finding = only(stubs)
    assert calls == []
    # With its module's TOC it loads from beside all stubs.
    assert [problem.where for problem in problems] == [f"what {stub:#x} loads"]
    assert (finding.id, finding.subject) == ("stub-wrong-target", "stub of scsi_common")
    assert finding.evidence.endswith(
        f"it wants r2 = {module.toc + 0x100:#x}, its module's TOC is {module.toc:#x}"
    )


@every_build
def test_ordinary_stubs_as_they_are_made(build: Build) -> None:
    kernel = traced(build)
    for name in ("idle", "armed"):
        kernel.module("scsi_common").stub(kernel.functions[name].address)
    assert found(kernel) == ([], [], ())


def test_stubs_that_cannot_be_read() -> None:
    kernel = FakeKernel()
    kernel.module("scsi_common").lose_stubs()
    calls, stubs, (problem,) = found(kernel)
    assert told(calls) == told(stubs) == []
    assert problem.where.startswith("stubs of module at ")
    assert not_checked(stubs) == [f"{problem.where}: {problem.what}"]


# the kernel's own ftrace_tramps


def tramp_of_vmlinux(kernel: FakeKernel, trampoline: str) -> FakeFunction:
    """Let a site far from ftrace_caller go through a stub in vmlinux's text."""
    function = kernel.function("far")
    kernel.ops("kprobe_ftrace_handler", function, flags=("ENABLED", "SAVE_REGS"))
    offset = kernel.paca.at("kernel_toc") - kernel.paca.address
    distance = kernel.address(trampoline) - kernel.kernel_toc
    kernel.memory.write(TRAMP_OF_VMLINUX, bytes(0x1000))
    kernel.put_words(TRAMP_OF_VMLINUX, *kernel_toc_stub(offset, distance))
    function.call(TRAMP_OF_VMLINUX)
    return function


def test_they_lead_to_the_trampoline_with_all_registers() -> None:
    kernel = FakeKernel()
    function = tramp_of_vmlinux(kernel, "ftrace_regs_caller")
    assert found(kernel) == ([], [], ())
    function.has_flags("ENABLED", count=1)
    assert found(kernel) == ([], [], ())


def test_one_that_leads_to_the_other() -> None:
    kernel = FakeKernel()
    tramp_of_vmlinux(kernel, "ftrace_caller")
    finding = only(of_stubs(kernel))
    assert (finding.id, finding.subject) == (
        "stub-wrong-target",
        "ftrace_tramp of vmlinux, called by 1 armed sites",
    )


# direct calls


def test_a_direct_call() -> None:
    kernel = FakeKernel(OUT_OF_LINE)
    function, target = kernel.function("f"), kernel.function("bpf_prog", traced=False)
    kernel.ops("call_direct_funcs", function, flags=("ENABLED", "DIRECT"))
    function.call(target.address)
    hash_ = kernel.hash(function.site)
    entry = Struct(kernel, "ftrace_func_entry", kernel.prog_u64(hash_["buckets"]))
    entry["direct"] = target.address
    kernel.variable("direct_functions", "struct ftrace_hash *", hash_.address)
    function.has_flags("ENABLED", "DIRECT", "DIRECT_EN", count=1)
    assert found(kernel) == ([], [], ())
    function.has_flags("ENABLED", "DIRECT", count=1)
    assert told(of_calls(kernel)) == [("site-wrong-target", function.site_label)]


def test_direct_functions_that_cannot_be_read() -> None:
    kernel = traced(OUT_OF_LINE)
    kernel.variable("direct_functions", "struct ftrace_hash *", 0xC000000002000000)
    calls, stubs, problems = found(kernel)
    assert told(calls) == told(stubs) == []
    assert [problem.where for problem in problems] == ["direct_functions"]
    (reason,) = not_checked(calls)
    assert reason.startswith("what sites call directly: direct_functions: ")


def test_a_long_branch_to_the_trampoline() -> None:
    kernel = FakeKernel()
    function = kernel.function("f")
    kernel.ops("function_trace_call", function)
    kernel.memory.write(TRAMP_OF_VMLINUX, bytes(0x1000))
    kernel.put_words(TRAMP_OF_VMLINUX, b(TRAMP_OF_VMLINUX, kernel.address("ftrace_regs_caller")))
    function.call(TRAMP_OF_VMLINUX)
    assert found(kernel) == ([], [], ())
