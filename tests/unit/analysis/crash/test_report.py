# SPDX-License-Identifier: GPL-2.0-or-later
"""The whole answer: the verdict, and what it rests on."""

import pytest

from klp_debug.analysis.crash.report import report
from klp_debug.result.report import Report
from klp_debug.result.unknown import AtLeast, known
from tests.support.fake_scene import crashed, patched
from tests.support.fake_view import FakeKernel
from tests.support.findings import only, told
from tests.support.instructions import TRAP
from tests.support.kernel_structs import BUILDS, Build
from tests.support.sure import sure, unread, whole

every_build = pytest.mark.parametrize("build", BUILDS)


def reported(kernel: FakeKernel) -> Report:
    return report(kernel.view())


@every_build
def test_a_kernel_that_runs_well(build: Build) -> None:
    answer = reported(patched(build))
    assert answer.clean
    assert answer.verdict.blame == "no crash"
    assert answer.verdict.what == (
        "The kernel did not crash.",
        "Nothing about it is found to be wrong.",
    )
    assert (answer.crash, answer.transition, answer.waiting) == (None, None, 0)
    assert [patch.name for patch in whole(answer.patches)] == ["first"]
    assert (answer.audit.sites, answer.audit.armed, answer.audit.findings) == (1, 1, 0)
    assert answer.verdict.checked[-1].endswith(
        "with their stubs, records and ops, 1 patch: no contradiction"
    )


@every_build
def test_a_crash_that_livepatch_has_nothing_to_do_with(build: Build) -> None:
    kernel = patched(build)
    crashed(kernel, nip=kernel.functions["other"].address + 0x20)
    answer = reported(kernel)
    assert answer.problems == ()
    assert answer.verdict.blame == "not involved"
    assert answer.verdict.what[0] == "Live patching is not involved in this crash."
    assert answer.clean
    assert sure(answer.crash).cpu == 0


@every_build
def test_a_crash_at_an_altered_site(build: Build) -> None:
    kernel = patched(build)
    function = kernel.functions["f"]
    function.site_word = TRAP
    crashed(kernel, nip=function.site)
    answer = reported(kernel)
    assert (answer.verdict.blame, answer.verdict.id) == ("caused", "site-unknown-word")
    assert told(whole(answer.findings)) == [("site-unknown-word", function.site_label)]
    assert not answer.clean


def test_what_is_proven_comes_before_what_is_only_near() -> None:
    """The replacement that crashed ran with a wrong TOC: that is why."""
    kernel = patched()
    patch = kernel.patches[0]
    patch.funcs["f"]["new_func"] = patch.replacements["f"].local_entry
    nip = patch.replacements["f"].address + 0x20
    crashed(kernel, nip=nip, r2=kernel.module("scsi_common").toc)
    assert reported(kernel).verdict.id == "replacement-wrong-toc"


def test_in_a_replacement() -> None:
    kernel = patched()
    nip = kernel.functions["first_f"].address + 0x20
    crashed(kernel, nip=nip, r2=kernel.module("first").toc)
    assert reported(kernel).verdict.blame == "involved"


def test_findings_of_a_kernel_that_did_not_crash() -> None:
    kernel = patched()
    kernel.functions["f"].site_word = TRAP
    answer = reported(kernel)
    assert answer.verdict.blame == "no crash"
    assert answer.verdict.what[1].startswith("But live patching or tracing is not as it should be")
    assert len(answer.findings) == 1


@pytest.mark.parametrize("said", [True, False])
def test_ftrace_that_shut_itself_off(said: bool) -> None:
    kernel = patched()
    kernel.variable("ftrace_disabled", "int", 1)
    if said:
        kernel.say(1.0, "------------[ ftrace bug ]------------")
        kernel.say(1.0, "ftrace failed to modify")
    evidence = only(whole(reported(kernel).findings)).evidence
    assert evidence.endswith(
        "; the log: ------------[ ftrace bug ]------------ / ftrace failed to modify"
        if said
        else "; the log has no 'ftrace bug'"
    )


def test_a_transition_and_a_livepatch_stack() -> None:
    kernel = patched()
    kernel.in_transition(kernel.patches[0])
    task = kernel.task(8, "sleeper", patch_state=0)
    task.sleeps(kernel.functions["f"].address + 0x24)
    for idle in kernel.idle:
        idle.struct["patch_state"] = 1
    kernel.tasks[0].calls_replacement(toc=1, lr=2, marker=3)
    answer = reported(kernel)
    assert (answer.transition, answer.waiting) == ("patching", 1)
    assert told(whole(answer.findings)) == [("livepatch-stack-damaged", "sleeper (8)")]


def test_a_kernel_without_livepatch() -> None:
    kernel = FakeKernel(Build(livepatch=False))
    kernel.function("f")
    answer = reported(kernel)
    assert (answer.patches, answer.transition) == ((), None)
    assert answer.problems == ()


# what cannot be read


def cannot_be_told(answer: Report, what: str) -> None:
    assert answer.verdict.blame == "cannot be told"
    assert answer.verdict.what[0].startswith(what)
    assert answer.problems
    assert not answer.clean


def test_registers_that_nobody_saved() -> None:
    kernel = patched()
    kernel.crash(0)
    answer = reported(kernel)
    cannot_be_told(
        answer, "Whether live patching is involved in this crash cannot be told: registers of CPU 0"
    )
    unread(sure(answer.crash).registers)


def test_whether_it_crashed() -> None:
    kernel = patched()
    kernel.memory.lose(kernel.panic_cpu)
    answer = reported(kernel)
    cannot_be_told(answer, "Whether the kernel crashed cannot be told: which CPU crashed: not in")
    assert unread(answer.crash).reason.startswith("which CPU crashed: not in the dump")


def test_the_func_stacks() -> None:
    """The patches of a crash in a replacement are not known to be involved, nor not to be."""
    kernel = patched()
    nip = kernel.functions["first_f"].address + 0x20
    crashed(kernel, nip=nip, r2=kernel.module("first").toc)
    kernel.memory.lose(kernel.klp_ops)
    cannot_be_told(reported(kernel), "Whether live patching is involved in this crash cannot be")


def test_the_list_of_patches() -> None:
    kernel = patched()
    kernel.memory.lose(kernel.klp_patches)
    answer = reported(kernel)
    (missing,) = answer.patches
    assert unread(missing).reason.startswith("list klp_patches: not in the dump")
    assert "at least 0 patches" in answer.verdict.checked[-1]
    assert not answer.clean


def test_whether_a_transition_is_under_way() -> None:
    kernel = patched()
    kernel.memory.lose(kernel.transition_patch)
    answer = reported(kernel)
    assert unread(answer.transition).reason.startswith("klp_transition_patch: not in the dump")
    assert not answer.clean


def test_the_records() -> None:
    kernel = patched()
    kernel.functions["f"].record.lose()
    answer = reported(kernel)
    missing = "ftrace records: not in the dump"
    for number in (answer.audit.sites, answer.audit.armed):
        assert isinstance(number, AtLeast)
        assert number.number == 0
        assert number.reason.startswith(missing)
    assert "at least 0 mcount sites" in answer.verdict.checked[-1]


def test_the_log_of_an_ftrace_that_shut_itself_off() -> None:
    kernel = patched()
    kernel.variable("ftrace_disabled", "int", 1)
    kernel.forget("log_buf")
    (finding,) = known(reported(kernel).findings)
    assert finding.id == "ftrace-disabled"
    assert finding.evidence.endswith(
        "; what the log says is unknown (log of the kernel: this kernel has no log_buf)"
    )
