# SPDX-License-Identifier: GPL-2.0-or-later
"""The verdict: the first rule that explains the crash, unless what was not read could change it."""

import dataclasses
from collections.abc import Callable

import pytest

from klp_debug.analysis.audit.audit import audit
from klp_debug.analysis.crash import verdict as verdict_module
from klp_debug.analysis.crash.crash import CrashScene
from klp_debug.analysis.crash.verdict import Seen, verdict
from klp_debug.result.common import Finding
from klp_debug.result.report import Verdict
from klp_debug.result.unknown import Unknown
from tests.support.fake_scene import crashed, scene_of
from tests.support.fake_view import FakeKernel
from tests.support.sure import unread

CUT = Unknown("text of f: is cut")
OTHER = Unknown("list klp_ops: is cut")
PROVEN = Verdict(blame="caused", id="wild-branch", what=("It is the first.",), proof=("r2 = 1",))
SECOND = Verdict(blame="involved", id="crash-in-replacement", what=("It is the second.",))
FINDING = Finding(
    id="stub-corrupt", severity="error", subject="f", evidence="e", meaning="m", action="a"
)


@pytest.fixture
def seen() -> Seen:
    """Return what is seen of a crash elsewhere."""
    kernel = FakeKernel()
    kernel.variable("__vmalloc_start", "unsigned long", 0xC008000000000000)
    kernel.variable("__vmalloc_end", "unsigned long", 0xC00A000000000000)
    crashed(kernel, nip=kernel.function("other", traced=False).address + 0x20)
    scene = scene_of(kernel)
    return Seen(scene, audit(scene.view), (), (), ())


Judged = Verdict | Unknown | None


@pytest.fixture
def rules(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let the rules be some that find what is given."""

    def judges(*found: Judged) -> None:
        def rule(judged: Judged) -> Callable[[CrashScene], Judged]:
            return lambda scene: judged

        monkeypatch.setattr(verdict_module, "_RULES", tuple(map(rule, found)))

    return judges


def test_the_first_that_explains_it(seen: Seen, rules: Callable[..., None]) -> None:
    rules(None, PROVEN, SECOND)
    assert verdict(seen) == PROVEN


def test_what_could_not_be_read_behind_it_is_no_matter(
    seen: Seen, rules: Callable[..., None]
) -> None:
    rules(PROVEN, CUT)
    assert verdict(seen) == PROVEN


def test_one_before_it_could_explain_it_otherwise(seen: Seen, rules: Callable[..., None]) -> None:
    rules(CUT, OTHER, PROVEN)
    told = verdict(seen)
    assert told.blame == "cannot be told"
    assert told.what[0] == f"What caused this crash cannot be told: {CUT.reason}."
    assert told.what[1] == "What can be read shows, incomplete as it is: It is the first."
    assert told.proof == ("incomplete: r2 = 1",)
    # Neither is denied: a finding may name the cause.
    assert told.id == told.why == CUT


def test_nothing_explains_it_and_all_was_read(seen: Seen, rules: Callable[..., None]) -> None:
    rules(None, None)
    told = verdict(seen)
    assert (told.blame, told.id, told.why) == ("not involved", None, None)
    assert told.what == (
        "Live patching is not involved in this crash.",
        "Nothing about it is found to be wrong.",
    )


def test_nothing_explains_it_and_not_all_was_read(seen: Seen, rules: Callable[..., None]) -> None:
    rules(None, CUT, OTHER)
    told = verdict(seen)
    assert told.blame == "cannot be told"
    assert told.what[0] == (
        f"Whether live patching is involved in this crash cannot be told: {CUT.reason}."
    )
    assert told.proof == (f"unknown: {CUT.reason}",)
    assert "get a dump that has what is missing" in told.what[1]
    assert told.now == CUT


def test_no_rule_asked_for_the_stack_that_could_not_be_read(
    seen: Seen, rules: Callable[..., None]
) -> None:
    rules(None)
    assert isinstance(seen.scene, CrashScene)
    scene = dataclasses.replace(seen.scene, trace=CUT)
    assert verdict(dataclasses.replace(seen, scene=scene)).blame == "cannot be told"


def test_no_crash(seen: Seen) -> None:
    told = verdict(dataclasses.replace(seen, scene=None))
    assert (told.blame, told.what[0]) == ("no crash", "The kernel did not crash.")


def test_whether_it_crashed_is_unknown(seen: Seen) -> None:
    told = verdict(dataclasses.replace(seen, scene=CUT))
    assert told.blame == "cannot be told"
    assert told.what[0] == f"Whether the kernel crashed cannot be told: {CUT.reason}."
    assert unread(told.id) == CUT


@pytest.mark.parametrize(
    ("findings", "said"),
    [
        ((), "Nothing about it is found to be wrong."),
        ((FINDING,), "But live patching or tracing is not as it should be: 1 finding below."),
        ((CUT,), "Nothing about it is found to be wrong, but the checks are incomplete."),
        (
            (FINDING, CUT),
            "But live patching or tracing is not as it should be: at least 1 finding below.",
        ),
    ],
)
def test_how_live_patching_is(
    seen: Seen, findings: tuple[Finding | Unknown, ...], said: str
) -> None:
    told = verdict(dataclasses.replace(seen, scene=None, findings=findings))
    assert told.what[1] == said


# what was checked


def test_what_was_checked(seen: Seen, rules: Callable[..., None]) -> None:
    rules(None)
    place, frames, stacks, sites = verdict(seen).checked
    assert place.endswith(": behind no mcount site or stub")
    assert frames.endswith("frames of the crash: none of a replacement")
    assert stacks == "the livepatch stacks of all tasks: empty"
    assert sites.endswith(
        " mcount sites with their stubs, records and ops, no patch: no contradiction"
    )


def test_what_could_not_be_checked(seen: Seen, rules: Callable[..., None]) -> None:
    rules(None)
    assert isinstance(seen.scene, CrashScene)
    scene = dataclasses.replace(seen.scene, registers=CUT, trace=CUT)
    audited = dataclasses.replace(seen.audited, findings=(CUT,))
    cut = Seen(scene, audited, (CUT,), (CUT,), (CUT,))
    registers, trace, stacks, sites = verdict(cut).checked
    assert registers.startswith("incomplete: the registers of the crash (")
    assert trace.startswith("incomplete: the stack of the crash (")
    assert stacks == (
        "incomplete: the livepatch stacks of all tasks: incomplete: 0 entries intact, of at least 0"
    )
    assert sites.endswith(", at least 0 patches: at least 0 contradictions")


def test_frames_that_could_not_all_be_read(seen: Seen, rules: Callable[..., None]) -> None:
    rules(None)
    assert isinstance(seen.scene, CrashScene)
    trace = seen.scene.trace
    assert not isinstance(trace, Unknown)
    scene = dataclasses.replace(
        seen.scene, trace=dataclasses.replace(trace, frames=(*trace.frames, CUT))
    )
    frames = verdict(dataclasses.replace(seen, scene=scene)).checked[1]
    assert frames == (
        f"the frames of the crash, incomplete, at least {len(trace.frames)}: none is known to be of"
        " a replacement"
    )
