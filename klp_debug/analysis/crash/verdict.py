# SPDX-License-Identifier: GPL-2.0-or-later
"""The verdict: the first rule that explains the crash, or why none can."""

from collections.abc import Sequence
from dataclasses import dataclass

from klp_debug.analysis.crash import (
    altered_site,
    caller_toc,
    clobbered_r15,
    in_replacement,
    klp_relocation,
    livepatch_stack,
    module_gone,
    near_livepatch,
    toc_stub,
    wild_branch,
    wrong_toc,
)
from klp_debug.analysis.crash.crash import CrashScene
from klp_debug.result.audit import Audit
from klp_debug.result.bt import TaskTrace
from klp_debug.result.common import Finding
from klp_debug.result.list import Patch
from klp_debug.result.registers import Registers
from klp_debug.result.report import Verdict
from klp_debug.result.text import plural
from klp_debug.result.unknown import (
    AtLeast,
    Number,
    Unknown,
    first_unknown,
    known,
    lowest,
    number_of,
)

_RULES = (
    toc_stub.judge,
    wrong_toc.judge,
    caller_toc.judge,
    module_gone.judge,
    clobbered_r15.judge,
    altered_site.judge,
    wild_branch.judge,
    livepatch_stack.judge,
    klp_relocation.judge,
    in_replacement.judge,
    near_livepatch.judge,
)
"""The first that explains the crash is taken: from what is proven to what is only near."""


_ADVICE = (
    "What decides it is unknown: get a dump that has what is missing (makedumpfile 1.8 or later, a"
    " lower dump level, more space), or look at the log for the oops."
)


@dataclass(frozen=True, slots=True)
class Seen:
    """All that a verdict rests on."""

    scene: CrashScene | Unknown | None
    audited: Audit
    findings: tuple[Finding | Unknown, ...]
    patches: tuple[Patch | Unknown, ...]
    traces: tuple[TaskTrace | Unknown, ...]
    """Of the tasks that have a livepatch stack."""


def verdict(seen: Seen) -> Verdict:
    """Return whether live patching caused the crash, and what shows it."""
    scene = seen.scene
    if scene is None:
        what = ("The kernel did not crash.", _health(seen.findings))
        return Verdict(blame="no crash", what=what, checked=_checked(seen))
    if isinstance(scene, Unknown):
        return _cannot_be_told(seen, "Whether the kernel crashed", scene, None)
    unread: Unknown | None = None
    for judge in _RULES:
        judged = judge(scene)
        if isinstance(judged, Verdict):
            if unread is None:
                return judged
            return _cannot_be_told(seen, "What caused this crash", unread, judged)
        if unread is None:
            unread = judged
    if unread is None:
        unread = first_unknown((scene.registers, scene.trace))
    if unread is not None:
        subject = "Whether live patching is involved in this crash"
        return _cannot_be_told(seen, subject, unread, None)
    first = "Live patching is not involved in this crash."
    return Verdict(
        blame="not involved", what=(first, _health(seen.findings)), checked=_checked(seen)
    )


def _cannot_be_told(seen: Seen, subject: str, why: Unknown, likely: Verdict | None) -> Verdict:
    """
    Return the verdict where what was not read could change it.

    :param likely: what the rest shows
    """
    what = [f"{subject} cannot be told: {why.reason}."]
    if likely is not None:
        what += [f"What can be read shows, incomplete as it is: {' '.join(likely.what)}"]
    return Verdict(
        blame="cannot be told",
        id=why,
        what=(*what, _ADVICE, _health_besides(seen.findings)),
        proof=tuple(f"incomplete: {line}" for line in likely.proof)
        if likely is not None
        else (f"unknown: {why.reason}",),
        why=why,
        now=why,
        checked=tuple(
            line if line.startswith("incomplete: ") else f"incomplete: {line}"
            for line in _checked(seen)
        ),
    )


def _health_besides(findings: Sequence[Finding | Unknown]) -> str:
    number = lowest(number_of(findings))
    return f"What else is found is incomplete: at least {plural(number, 'finding')}."


def _health(findings: Sequence[Finding | Unknown]) -> str:
    number = number_of(findings)
    if isinstance(number, AtLeast):
        if not number.number:
            return "Nothing about it is found to be wrong, but the checks are incomplete."
        return (
            "But live patching or tracing is not as it should be:"
            f" {_counted(number, 'finding')} below."
        )
    if not number:
        return "Nothing about it is found to be wrong."
    return (
        f"But live patching or tracing is not as it should be: {plural(number, 'finding')} below."
    )


def _checked(seen: Seen) -> tuple[str, ...]:
    """Say what was looked at for the verdict that nothing was found."""
    checked = []
    scene = seen.scene
    if isinstance(scene, Unknown):
        checked.append(f"incomplete: where it crashed, if it did ({scene.reason})")
    if isinstance(scene, CrashScene):
        checked.append(
            _place(scene, scene.registers)
            if isinstance(scene.registers, Registers)
            else f"incomplete: the registers of the crash ({scene.registers.reason})"
        )
        checked.append(
            _frames(scene.trace)
            if isinstance(scene.trace, TaskTrace)
            else f"incomplete: the stack of the crash ({scene.trace.reason})"
        )
    entries = [entry for trace in known(seen.traces) for entry in trace.livepatch_stack]
    intact = sum(entry.intact for entry in known(entries))
    unread = first_unknown((*seen.traces, *entries))
    if unread is not None:
        stacks = f"incomplete: {intact} entries intact, of at least {len(known(entries))}"
    elif entries:
        stacks = f"{intact} of {len(entries)} entries intact"
    else:
        stacks = "empty"
    checked.append(f"the livepatch stacks of all tasks: {stacks}")
    checked.append(
        f"{seen.audited.sites} mcount sites with their stubs, records and ops,"
        f" {_counted(number_of(seen.patches), 'patch', 'patches')}:"
        f" {_counted(number_of(seen.audited.findings), 'contradiction')}"
    )
    return tuple(checked)


def _place(scene: CrashScene, registers: Registers) -> str:
    place = f"NIP {registers.nip}, LR {registers.link}"
    site = scene.site
    if isinstance(site, Unknown):
        return f"{place}: whether they are behind a mcount site or stub is unknown"
    if site is None:
        return f"{place}: behind no mcount site or stub"
    return f"{place}: behind the site {scene.view.symbols.label(scene.view.records[site].ip)}"


def _frames(trace: TaskTrace) -> str:
    frames = known(trace.frames)
    unread = first_unknown((*trace.frames, *(frame.role for frame in frames)))
    if unread is not None:
        return (
            f"the frames of the crash, incomplete, at least {len(frames)}: none is known to be of a"
            " replacement"
        )
    return f"the {len(frames)} frames of the crash: none of a replacement"


def _counted(number: Number, noun: str, nouns: str | None = None) -> str:
    """Return a number with its noun; "no" for 0."""
    if isinstance(number, AtLeast):
        return f"at least {plural(number.number, noun, nouns)}"
    return plural(number, noun, nouns) if number else f"no {noun}"
