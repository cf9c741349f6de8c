# SPDX-License-Identifier: GPL-2.0-or-later
"""
What ``report`` gives as proof of each way to crash, against the guest's own word.

That is its oops as the console printed it, and its kallsyms and modules before.
"""

import re

import pytest

from tests.support.every_kernel import on_every_kernel
from tests.support.verdicts import report
from vmcores.oracle.oops import Oops
from vmcores.scenarios.capture import CaptureSet

pytestmark = pytest.mark.lab

CALLEE = "scsi_set_sense_information"


def oops(captures: CaptureSet) -> Oops:
    found = captures.oops
    assert found is not None
    return found


def proof(captures: CaptureSet) -> str:
    return "\n".join(report(captures)["verdict"]["proof"])


def what(captures: CaptureSet) -> str:
    return " ".join(report(captures)["verdict"]["what"])


def registers_are_told(captures: CaptureSet, *names: str) -> None:
    """The proof names these registers with the values that the console printed."""
    said = oops(captures)
    values = {"NIP": said.nip, "LR": said.lr, "CTR": said.ctr, "DAR": said.dar}
    for name in names:
        value = said.gprs[int(name[1:])] if name.startswith("r") else values[name]
        assert f"{name} = {value:#018x}" in proof(captures)


@on_every_kernel("caller_toc_overwritten", "sibling_call")
def test_a_caller_that_took_a_wrong_toc_back(captures: CaptureSet) -> None:
    said = oops(captures)
    registers_are_told(captures, "r2", "NIP", "CTR", "LR")
    assert f"24(r1) = {said.gprs[2]:#018x}, at {said.gprs[1] + 24:#018x}" in proof(captures)
    # The kernel names who called, where LR is.
    caller = said.lr_symbol.partition("+")[0]
    assert what(captures).startswith("Live patching caused this crash. ")
    assert f"{caller} [leaf_probe] called {CALLEE} [scsi_common]" in what(captures)


@on_every_kernel("sibling_call")
def test_the_sibling_call(captures: CaptureSet) -> None:
    """It is the instruction behind the TOC set-up: the module's source has it so."""
    branch = captures.oracle.address(f"sibling_{CALLEE}", "sibling_patch") + 8
    assert re.search(
        rf"0x48\w{{6}} at {branch:#018x} .* goes to that stub without link", proof(captures)
    )
    assert "ends in a sibling call of strnlen" in what(captures)
    assert "-fno-optimize-sibling-calls" in report(captures)["verdict"]["why"]


@on_every_kernel("replacement_wrong_toc")
def test_a_replacement_entered_behind_its_toc_setup(captures: CaptureSet) -> None:
    entry = captures.oracle.address(f"patched_{CALLEE}", "toc_patch")
    registers_are_told(captures, "r2", "NIP", "CTR", "LR")
    assert f"its global entry point is {entry:#018x}" in proof(captures)
    assert f" is {entry + 8:#018x}, patched_{CALLEE}+0x8 [toc_patch]" in proof(captures)


@on_every_kernel("patch_module_gone")
def test_a_func_stack_whose_module_is_gone(captures: CaptureSet) -> None:
    assert "gone_patch" in {module.name for module in captures.oracle.modules}
    said = oops(captures)
    registers_are_told(captures, "NIP", "DAR")
    assert said.nip_symbol.startswith("klp_ftrace_handler+")
    func = re.search(r"klp_func at (0x\w+)", proof(captures))
    assert func is not None
    # What the kernel could not read is of the klp_func, which kallsyms knew as `funcs`.
    assert int(func[1], 16) == captures.oracle.address("funcs", "gone_patch")
    assert said.dar is not None
    assert 0 <= said.dar - int(func[1], 16) < 256
    assert proof(captures).endswith("the module removed last is gone_patch")


@on_every_kernel("r15_clobbered")
def test_r15_is_ftraces_own(captures: CaptureSet) -> None:
    registers_are_told(captures, "r15", "NIP")
    # For an address out of range the kernel prints no DAR, but names it in its message.
    dar = int(oops(captures).message.rpartition(" ")[2], 16)
    assert f"DAR = {dar:#018x}" in proof(captures)
    assert oops(captures).nip_symbol.startswith("r15_caller_call+")
    assert f"out-of-line stub of {CALLEE} [scsi_common]" in proof(captures)
    assert "CVE-2025-38233" in report(captures)["verdict"]["why"]


@on_every_kernel("stub_to_nowhere")
def test_a_stub_that_leads_nowhere(captures: CaptureSet) -> None:
    registers_are_told(captures, "NIP", "LR")
    assert "int_to_scsilun [scsi_common]" in what(captures)
    assert "39800000" in proof(captures)  # li r12,0: what the scenario wrote


@on_every_kernel("armed_site_altered")
def test_a_trap_at_a_site(captures: CaptureSet) -> None:
    registers_are_told(captures, "NIP")
    assert oops(captures).nip_symbol.startswith("int_to_scsilun+")
    assert f"{oops(captures).nip:#018x} holds 0x7fe00008" in proof(captures)
    assert "Hooked by: leaf_patch." in what(captures)


@on_every_kernel("livepatch_stack_trap")
def test_a_trap_on_a_marker(captures: CaptureSet) -> None:
    said = oops(captures)
    # livepatch_handler has the marker in r12 when it traps, and STACK_END_MAGIC in r2.
    assert (said.gprs[12], said.gprs[2]) == (0xDEADBEEF, 0x57AC6E9D)
    assert f"is {said.gprs[12]:#018x}, not STACK_END_MAGIC" in proof(captures)


@on_every_kernel("livepatch_stack_overflow")
def test_two_stacks_that_met(captures: CaptureSet) -> None:
    said = oops(captures)
    document = report(captures)
    told = re.match(r"(-?\d+) bytes are between .* the (\d+) entries", proof(captures))
    assert told is not None
    entries = document["crash"]["trace"]["livepatch_stack"]
    assert len(entries) == int(told[2])
    top = int(entries[0]["address"], 16) + 24
    assert document["crash"]["registers"]["gpr"][1] == f"{said.gprs[1]:#018x}"
    assert int(told[1]) == said.gprs[1] - top
    # overflow_patch goes on until its frame, to which ftrace_caller's came, is that near.
    assert int(told[1]) < 1024


@on_every_kernel("klp_relocation_unresolved")
def test_a_pointer_that_livepatch_has_not_filled_in(captures: CaptureSet) -> None:
    said = oops(captures)
    registers_are_told(captures, "NIP", "CTR", "LR")
    assert said.lr_symbol.startswith("relocated_uptime_proc_show+")
    assert "scsi_common" not in {module.name for module in captures.oracle.modules}
    place = captures.oracle.address("pointer", "reloc_patch")
    assert f"{place:#018x}, for .klp.sym.scsi_common.scsi_set_sense_information,0" in proof(
        captures
    )
    assert proof(captures).endswith("holds 0: scsi_common is not loaded")


@on_every_kernel("new_func_to_nowhere", "ops_func_to_nowhere", "trampoline_to_data")
def test_a_callback_or_replacement_that_is_none(captures: CaptureSet) -> None:
    said = oops(captures)
    registers_are_told(captures, "NIP", "LR", "CTR")
    caller = said.lr_symbol.partition("+")[0]
    assert f"{caller}, which calls" in what(captures)
    if captures.scenario.name == "trampoline_to_data":
        zeros = captures.oracle.address("empty_zero_page")
        assert said.nip == zeros
        assert f"to {zeros:#018x} (empty_zero_page)" in proof(captures)
    else:
        assert said.nip == 0xDEAD000000000100  # what the scenario wrote
        assert re.search(r"(new_func|func) of .* is 0xdead000000000100", proof(captures))
