# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether the word at each site is what its record says that ftrace put there."""

import pytest

from klp_debug.analysis.audit.disarmed import DisarmedFunctions
from klp_debug.analysis.audit.sites import Sites
from klp_debug.analysis.audit.words import word_findings
from klp_debug.result.common import Finding
from klp_debug.result.unknown import Unknown
from tests.support.fake_view import FakeKernel
from tests.support.findings import only, told
from tests.support.instructions import NOP, TRAP, b
from tests.support.kernel_structs import BUILDS, MPROFILE, OUT_OF_LINE, Build

every_build = pytest.mark.parametrize("build", BUILDS)


def traced(build: Build) -> FakeKernel:
    """Return a kernel with an idle site and an armed one in a module."""
    kernel = FakeKernel(build)
    kernel.function("idle")
    kernel.ops("function_trace_call", kernel.function("armed", "scsi_common"))
    return kernel


def found(kernel: FakeKernel) -> list[Finding | Unknown]:
    view = kernel.view()
    sites = Sites.of_kernel(view)
    findings = list(word_findings(view, sites, DisarmedFunctions(view, sites)))
    assert view.problems.all() == ()
    return findings


@every_build
def test_as_ftrace_left_them(build: Build) -> None:
    assert found(traced(build)) == []


@every_build
@pytest.mark.parametrize("name", ["idle", "armed"])
def test_a_trap(build: Build, name: str) -> None:
    kernel = traced(build)
    function = kernel.functions[name]
    function.site_word = TRAP
    finding = only(found(kernel))
    assert (finding.id, finding.subject) == ("site-unknown-word", function.site_label)
    assert finding.evidence == f"{function.site:#x} holds 0x7fe00008"


@every_build
def test_idle_though_its_record_has_enabled(build: Build) -> None:
    kernel = traced(build)
    function = kernel.functions["armed"]
    function.site_word = NOP
    finding = only(found(kernel))
    assert (finding.id, finding.subject) == ("site-record-mismatch", function.site_label)
    assert finding.evidence.startswith(f"{function.site:#x} holds 0x60000000 (idle), its record")


@every_build
def test_armed_though_its_record_has_not(build: Build) -> None:
    kernel = traced(build)
    function = kernel.functions["armed"]
    function.has_flags(count=0)
    finding = only(found(kernel))
    assert (finding.id, finding.subject) == ("site-record-mismatch", function.site_label)
    assert finding.evidence.endswith("(armed), its record has no flags")


@every_build
def test_idle_because_a_debugger_disarmed_a_patch_is_told_elsewhere(build: Build) -> None:
    kernel = FakeKernel(build)
    function = kernel.function("f")
    kernel.patch("first", function)
    function.site_word = NOP
    assert found(kernel) == []


@every_build
@pytest.mark.parametrize("address", [0x1000, 0xC00900000000F000, 0xC000000001000000])
def test_a_record_outside_of_all_text(build: Build, address: int) -> None:
    kernel = traced(build)
    record = kernel.functions["idle"].record
    record["ip"] = address
    finding = only(found(kernel))
    assert finding.id == "record-outside-text"
    assert finding.subject == f"{address:#018x}"
    assert finding.evidence == f"dyn_ftrace at {record.address:#x}"


def test_init_text_is_text() -> None:
    kernel = traced(MPROFILE)
    start = 0xC000000000800000
    kernel.symbol("_sinittext", start)
    kernel.symbol("_einittext", start + 0x1000)
    kernel.memory.write(start, bytes(0x1000))
    kernel.put_words(start + 4, NOP)
    kernel.functions["idle"].record["ip"] = start + 4
    assert found(kernel) == []


def test_a_module_that_is_gone() -> None:
    kernel = traced(MPROFILE)
    function = kernel.functions["armed"]
    kernel.unload("scsi_common")
    assert told(found(kernel)) == [("record-outside-text", f"{function.site:#x}")]


def test_a_module_whose_memory_leads_beyond_all_addresses() -> None:
    kernel = traced(MPROFILE)
    module = kernel.module("scsi_common").struct
    module["init_layout.base"], module["init_layout.size"] = (1 << 64) - 8, 0x1000
    view = kernel.view()
    sites = Sites.of_kernel(view)
    assert list(word_findings(view, sites, DisarmedFunctions(view, sites))) == []


def test_text_that_cannot_be_read_is_no_contradiction() -> None:
    kernel = traced(MPROFILE)
    kernel.functions["armed"].lose_text()
    assert found(kernel) == []


# out of line


def test_a_branch_to_another_stub() -> None:
    kernel = traced(OUT_OF_LINE)
    function, other = kernel.functions["armed"], kernel.function("other", "scsi_common")
    function.site_word = b(function.site, other.ool_stub)
    finding = only(found(kernel))
    assert (finding.id, finding.subject) == ("site-wrong-target", function.site_label)
    assert f"to {other.ool_stub:#x}" in finding.evidence
    assert finding.evidence.endswith(f"its record's out-of-line stub is at {function.ool_stub:#x}")


@pytest.mark.parametrize("name", ["idle", "armed"])
@pytest.mark.parametrize("offset", [0, 4, 8, 12])
def test_a_stub_with_another_word(name: str, offset: int) -> None:
    kernel = traced(OUT_OF_LINE)
    function = kernel.functions[name]
    kernel.put_words(function.ool_stub + offset, TRAP)
    finding = only(found(kernel))
    assert (finding.id, finding.subject) == (
        "stub-corrupt",
        f"out-of-line stub of {function.site_label}",
    )


def test_a_stub_that_cannot_be_read_is_no_contradiction() -> None:
    kernel = traced(OUT_OF_LINE)
    kernel.memory.lose(kernel.functions["armed"].ool_stub)
    assert found(kernel) == []
