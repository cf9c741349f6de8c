# SPDX-License-Identifier: GPL-2.0-or-later
"""The whole answer about a target: verdict, crash, findings, patches, transition."""

import dataclasses
from collections.abc import Sequence

from klp_debug.analysis.audit.audit import audit
from klp_debug.analysis.audit.entry_points import entry_findings
from klp_debug.analysis.audit.livepatch_stacks import stack_findings
from klp_debug.analysis.audit.modules_gone import gone_findings
from klp_debug.analysis.audit.relocations import relocation_findings
from klp_debug.analysis.catalogue import FTRACE_DISABLED
from klp_debug.analysis.crash import (
    altered_site,
    caller_toc,
    clobbered_r15,
    in_replacement,
    klp_relocation,
    livepatch_stack,
    module_gone,
    toc_stub,
    wild_branch,
    wrong_toc,
)
from klp_debug.analysis.crash.crash import CrashScene, crash_scene
from klp_debug.analysis.crash.log_excerpt import ftrace_bug_lines
from klp_debug.analysis.patches.list import livepatches
from klp_debug.analysis.tasks.bt import TaskTracer
from klp_debug.analysis.tasks.transition import transition
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.kernel.task import for_each_task
from klp_debug.result.audit import Audit
from klp_debug.result.bt import TaskTrace
from klp_debug.result.common import Finding
from klp_debug.result.list import Patch
from klp_debug.result.report import AuditSummary, Report, Verdict
from klp_debug.result.text import plural

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
)
"""The first that explains the crash is taken: from what is proven to what is only near."""


def report(view: KernelView) -> Report:
    """
    Return what can be told of a target, the verdict first.

    >>> report(view).verdict.what[0]
    'Live patching is not involved in this crash.'

    What cannot be read becomes a problem of the result.
    """
    tracer = TaskTracer(view)
    audited = audit(view)
    patches = livepatches(view) if view.has_livepatch else ()
    moving = transition(view) if view.has_livepatch else None
    traces = _traces(view, tracer)
    findings = [
        *audited.findings,
        *gone_findings(view),
        *entry_findings(view),
        *relocation_findings(view),
        *stack_findings(view, traces),
    ]
    scene = crash_scene(view, tracer)
    verdict = _verdict(scene, audited, findings, patches, traces)
    return Report(
        kernel=view.describe(),
        verdict=verdict,
        crash=scene.facts() if scene is not None else None,
        findings=_with_the_log(view, findings),
        patches=patches,
        transition=moving.direction if moving is not None else None,
        waiting=len(moving.waiting) if moving is not None else 0,
        audit=AuditSummary(
            sites=audited.sites,
            armed=sum(count.sites for count in audited.states if count.what == "armed"),
            findings=len(audited.findings),
        ),
        problems=view.problems.all(),
    )


def _traces(view: KernelView, tracer: TaskTracer) -> list[TaskTrace]:
    """Return the stacks of the tasks that have a livepatch stack."""
    traces = []
    with view.problems.noting("list of tasks"):
        for task in for_each_task(view.prog):
            with view.problems.noting(f"task at {task.value_():#x}"):
                if tracer.has_livepatch_stack(task):
                    traces.append(tracer.trace(task))
    return traces


def _verdict(
    scene: CrashScene | None,
    audited: Audit,
    findings: Sequence[Finding],
    patches: tuple[Patch, ...],
    traces: list[TaskTrace],
) -> Verdict:
    checked = tuple(_checked(scene, audited, patches, traces))
    if scene is None:
        what = ("The kernel did not crash.", _health(findings))
        return Verdict(blame="no crash", what=what, checked=checked)
    for judge in _RULES:
        verdict = judge(scene)
        if verdict is not None:
            return verdict
    first = "Live patching is not involved in this crash."
    if scene.registers is None:
        first = "Nothing shows that live patching is involved, but the registers are not known."
    elif scene.view.problems.all():
        first = "Nothing shows that live patching is involved, but not all could be read."
    return Verdict(blame="not involved", what=(first, _health(findings)), checked=checked)


def _health(findings: Sequence[Finding]) -> str:
    if not findings:
        return "Nothing about it is found to be wrong."
    number = plural(len(findings), "finding")
    return f"But live patching or tracing is not as it should be: {number} below."


def _checked(
    scene: CrashScene | None,
    audited: Audit,
    patches: tuple[Patch, ...],
    traces: list[TaskTrace],
) -> list[str]:
    """Say what was looked at for the verdict that nothing was found."""
    checked = []
    if scene is not None and scene.registers is not None:
        checked.append(
            f"NIP {scene.registers.nip}, LR {scene.registers.link}: behind no mcount site or stub"
        )
    if scene is not None and scene.trace is not None:
        frames = len(scene.trace.frames)
        checked.append(f"the {frames} frames of the crash: none of a replacement")
    entries = [entry for trace in traces for entry in trace.livepatch_stack]
    intact = sum(entry.intact for entry in entries)
    checked.append(
        f"the livepatch stacks of all tasks: {intact} of {len(entries)} entries intact"
        if entries
        else "the livepatch stacks of all tasks: empty"
    )
    checked.append(
        f"{audited.sites} mcount sites with their stubs, records and ops,"
        f" {_number_or_no(len(patches), 'patch', 'patches')}:"
        f" {_number_or_no(len(audited.findings), 'contradiction')}"
    )
    return checked


def _with_the_log(view: KernelView, findings: list[Finding]) -> tuple[Finding, ...]:
    """Add what the kernel's log says of the moment when ftrace shut itself off."""
    if all(finding.id != FTRACE_DISABLED.id for finding in findings):
        return tuple(findings)
    lines = ftrace_bug_lines(view.log)
    excerpt = "; the log: " + " / ".join(lines) if lines else "; the log has no 'ftrace bug'"
    return tuple(
        dataclasses.replace(finding, evidence=finding.evidence + excerpt)
        if finding.id == FTRACE_DISABLED.id
        else finding
        for finding in findings
    )


def _number_or_no(number: int, noun: str, nouns: str | None = None) -> str:
    return plural(number, noun, nouns) if number else f"no {noun}"
