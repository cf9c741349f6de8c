# SPDX-License-Identifier: GPL-2.0-or-later
"""
``report`` on every way to crash that the lab has: the right verdict, proven, and no false finding.

The guest's own oops, as its console printed it, tells what the registers were.
"""

import pytest

from docs.verdicts import PAGE
from tests.support.cli import klp_debug_json, klp_debug_run
from tests.support.every_kernel import on_every_kernel
from tests.support.verdicts import VERDICTS, page_of_all, report, right, target
from vmcores.oracle.oops import Oops
from vmcores.scenarios.capture import CaptureSet
from vmcores.scenarios.scenario import scenario_names

pytestmark = pytest.mark.lab

OOPSED = (
    *("armed_site_altered", "caller_toc_overwritten", "crash_elsewhere", "crash_in_callback"),
    *("crash_in_replacement", "returned_to_removed"),
    *("klp_relocation_unresolved", "new_func_to_nowhere", "ops_func_to_nowhere"),
    *("livepatch_stack_trap", "patch_module_gone", "r15_clobbered", "replacement_wrong_toc"),
    *("seed_crash", "sibling_call", "stub_to_nowhere", "trampoline_to_data"),
)
"""The others that crashed did so by sysrq, which is no oops, or have no stack that is sound."""


def oops(captures: CaptureSet) -> Oops:
    found = captures.oops
    assert found is not None
    return found


@on_every_kernel(*VERDICTS)
def test_verdict(captures: CaptureSet) -> None:
    document = report(captures)
    expected = VERDICTS[captures.scenario.name]
    verdict = document["verdict"]
    assert (verdict["blame"], verdict["id"]) == (expected.blame, expected.id)
    findings = [finding for finding in document["findings"] if "unknown" not in finding]
    assert {finding["id"] for finding in findings} == expected.findings
    assert (findings != document["findings"]) is expected.unreadable
    assert bool(document["problems"]) is expected.unreadable
    assert (document["crash"] is None) is (expected.blame == "no crash")
    if not expected.unreadable:
        said = sorted(patch.name for patch in captures.oracle.patches)
        if expected.patches is not None:
            said = list(expected.patches)
        assert sorted(patch["name"] for patch in document["patches"]) == said
    if captures.scenario.name != "ftrace_bug":
        altered = "site-unknown-word" in expected.findings
        armed = len(captures.oracle.enabled_functions) - altered
        assert document["audit"]["armed"] == (expected.armed or armed)
    assert verdict["proof"] or verdict["checked"]


@on_every_kernel(*OOPSED)
def test_the_crash_is_what_the_console_printed(captures: CaptureSet) -> None:
    crash, said = report(captures)["crash"], oops(captures)
    assert said.message in crash["message"]
    assert crash["cpu"] == said.cpu
    registers = crash["registers"]
    assert [int(value, 16) for value in registers["gpr"]] == list(said.gprs)
    assert int(registers["nip"], 16) == said.nip
    assert int(registers["link"], 16) == said.lr
    assert int(registers["ctr"], 16) == said.ctr
    assert int(registers["trap"], 16) == said.trap
    assert said.cfar is not None
    assert int(registers["cfar"], 16) == said.cfar
    assert (crash["trace"]["pid"], crash["trace"]["comm"]) == (said.pid, said.comm)
    # Every frame that the kernel is sure of is in ours.
    ours = [int(frame["pc"], 16) for frame in crash["trace"]["frames"]]
    assert ours[0] == said.nip
    # A frame of ftrace's own is there before its return address is, which then is 0.
    sure = {call.address for call in said.call_trace if call.reliable and call.address}
    assert sure <= set(ours)


@on_every_kernel("seed_crash")
def test_the_seeds_crash_is_proven(captures: CaptureSet) -> None:
    """The stub is replayed with the registers that the console printed."""
    document, said = report(captures), oops(captures)
    verdict = document["verdict"]
    proof = "\n".join(verdict["proof"])
    assert verdict["what"][0] == "Live patching caused this crash."
    assert verdict["what"][1].startswith("int_to_scsilun [scsi_common], hooked by leaf_patch,")
    assert f"r2 = {said.gprs[2]:#018x}: the TOC of leaf_caller" in proof
    assert f"r11 = {said.gprs[11]:#x}, as in the dump" in proof
    assert f"r12 = {said.gprs[12]:#x}" in proof
    assert f"so it goes to {said.nip:#x}" in proof
    assert f"NIP = {said.nip:#018x}, CTR = {said.ctr:#018x}, LR = {said.lr:#018x}" in proof
    assert "336a7b5dd80a" in verdict["why"]
    text = klp_debug_run("report", *target(captures))
    first = text.out.splitlines()[:10]
    assert "VERDICT  Live patching caused this crash.  [toc-stub-on-leaf]" in first
    assert any(line.startswith("PROOF") for line in first)


@on_every_kernel("crash_in_replacement")
def test_the_replacement_that_crashed(captures: CaptureSet) -> None:
    document, said = report(captures), oops(captures)
    name = said.nip_symbol.partition("/")[0]
    assert document["verdict"]["what"][1] == (
        f"It crashed at {name} [crash_patch], in the replacement of crash_patch, which replaces"
        " leaf_probe_wait_here [leaf_probe]."
    )
    frames = document["crash"]["trace"]["frames"]
    assert (frames[0]["role"], frames[0]["patch"]) == ("replacement", "crash_patch")
    # The frame that the kernel's own trace misses, or is not sure of: who called the original.
    (put_by,) = (frame for frame in frames if frame["from_livepatch_stack"])
    assert put_by["symbol"].startswith("leaf_probe_wait_show+")
    sure = {call.address for call in said.call_trace if call.reliable}
    assert int(put_by["pc"], 16) not in sure


@on_every_kernel("sleep_in_replacement")
def test_a_sleeper_two_replacements_deep(captures: CaptureSet) -> None:
    """/proc/PID/stack misses two frames; the rest is the same."""
    (said,) = (
        task
        for task in captures.oracle.tasks
        if any(line.startswith("sleeping_scsi_set_sense_information") for line in task.stack)
    )
    document = klp_debug_json("bt", "--in-patched", *target(captures))
    (task,) = document["tasks"]
    assert (task["pid"], task["comm"]) == (said.pid, said.comm)
    hidden = [
        frame["symbol"].partition("+")[0]
        for frame in task["frames"]
        if frame["from_livepatch_stack"]
    ]
    assert hidden == ["sleeping_leaf_probe_wait_here", "leaf_probe_wait_show"]
    scheduler = ("__switch_to", "__schedule", "schedule", "schedule_timeout")
    walked = [
        frame["symbol"].partition("+")[0]
        for frame in task["frames"]
        if not frame["inlined"] and not frame["from_livepatch_stack"]
    ]
    ours = [name for name in walked if name not in scheduler]
    theirs = [line.split()[0] for line in said.stack]
    assert ours == [name for name in theirs if name not in scheduler][-len(ours) :]
    assert [entry["intact"] for entry in task["livepatch_stack"]] == [True, True]


@on_every_kernel("hang")
def test_a_cpu_that_spins_in_a_replacement(captures: CaptureSet) -> None:
    (spinner,) = (task for task in captures.oracle.tasks if task.comm == "cat")
    document = klp_debug_json("bt", str(spinner.pid), *target(captures))
    (task,) = document["tasks"]
    assert task["running"]
    (entry,) = task["livepatch_stack"]
    assert entry["lr_symbol"].startswith("leaf_probe_wait_show+")
    if task["frames"][0]["symbol"].startswith("exc_"):
        # QEMU stopped the CPU at the first instruction of an exception, where only SRR0 tells what
        # it ran; QEMU's dumps have no SRR0.
        return
    assert task["in_patched"]
    # An interrupt may have come in between.
    roles = [(frame["role"], frame["patch"]) for frame in task["frames"] if frame["role"]]
    assert roles == [("replacement", "spin_patch")]
    (put_by,) = (frame for frame in task["frames"] if frame["from_livepatch_stack"])
    assert put_by["symbol"].startswith("leaf_probe_wait_show+")


@on_every_kernel("ftrace_bug")
def test_what_the_log_says_of_ftraces_end(captures: CaptureSet) -> None:
    document = report(captures)
    (finding,) = (one for one in document["findings"] if one["id"] == "ftrace-disabled")
    start = captures.oracle.address("uptime_proc_show")
    assert "ftrace failed to modify" in finding["evidence"]
    assert "uptime_proc_show+" in finding["evidence"]
    (site,) = (one for one in document["findings"] if one["id"] == "site-unknown-word")
    address = int(site["evidence"].split()[0], 16)
    assert 0 <= address - start <= 16
    assert f"{address:016x}" in finding["evidence"]


def test_the_page_of_verdicts_is_what_report_says() -> None:
    """Each of its verdicts is the right one, which :func:`test_verdict` holds ``report`` to."""
    page = page_of_all(lambda scenario, kernel, mmu: right(scenario.name))
    assert PAGE.read_text(encoding="ascii") == page, "run `python -m docs.verdicts`"


def test_every_scenario_has_its_verdict() -> None:
    """But those that are about a kernel or a layout, not about what went wrong."""
    others = {"nolivepatch", "namesake", "replace_forced", "replacing", "seed_shape"}
    assert set(VERDICTS) | others == set(scenario_names())
