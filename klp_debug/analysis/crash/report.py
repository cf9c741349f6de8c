# SPDX-License-Identifier: GPL-2.0-or-later
"""The whole answer about a target: verdict, crash, findings, patches, transition."""

import dataclasses

from drgn import Object

from klp_debug.analysis.audit.audit import audit
from klp_debug.analysis.audit.entry_points import entry_findings
from klp_debug.analysis.audit.livepatch_stacks import stack_findings
from klp_debug.analysis.audit.modules_gone import gone_findings
from klp_debug.analysis.audit.relocations import relocation_findings
from klp_debug.analysis.audit.retired_tasks import retired_findings
from klp_debug.analysis.catalogue import FTRACE_DISABLED
from klp_debug.analysis.crash.crash import CrashScene, crash_scene
from klp_debug.analysis.crash.log_excerpt import ftrace_bug_lines
from klp_debug.analysis.crash.logged_reports import logged_findings
from klp_debug.analysis.crash.verdict import Seen, verdict
from klp_debug.analysis.patches.list import livepatches
from klp_debug.analysis.patches.refusals import refusals
from klp_debug.analysis.tasks.bt import TaskTracer
from klp_debug.analysis.tasks.transition import transition
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.kernel.task import for_each_task
from klp_debug.result.audit import Audit
from klp_debug.result.bt import TaskTrace
from klp_debug.result.common import Finding
from klp_debug.result.report import AuditSummary, Report
from klp_debug.result.unknown import (
    AtLeast,
    Number,
    Unknown,
    counted,
    first_unknown,
    known,
    number_of,
)


def report(view: KernelView) -> Report:
    """
    Return what can be told of a target, the verdict first.

    >>> report(view).verdict.what[0]
    'Live patching is not involved in this crash.'

    What cannot be read is ``Unknown``, and becomes a problem of the result.
    """
    tracer = view.once(TaskTracer)
    audited = audit(view)
    patches = livepatches(view)
    moving = transition(view)
    traces = _traces(view, tracer)
    findings: list[Finding | Unknown] = [
        *audited.findings,
        *gone_findings(view),
        *entry_findings(view),
        *relocation_findings(view),
        *stack_findings(view, known(traces)),
        *retired_findings(view, known(traces)),
    ]
    scene = crash_scene(view, tracer)
    findings += logged_findings(view, crashed=isinstance(scene, CrashScene))
    seen = Seen(scene, audited, tuple(findings), patches, tuple(traces))
    return Report(
        kernel=view.describe(),
        verdict=verdict(seen),
        crash=scene.facts() if isinstance(scene, CrashScene) else scene,
        findings=_with_the_log(view, findings),
        patches=patches,
        transition=moving.direction,
        waiting=number_of(moving.waiting),
        audit=AuditSummary(
            sites=audited.sites,
            armed=_armed(audited),
            findings=number_of(audited.findings),
        ),
        refusals=refusals(view) if view.has_livepatch else (),
        problems=view.problems.all(),
    )


def _armed(audited: Audit) -> Number:
    """Return how many sites are armed."""
    for count in known(audited.states):
        if count.what == "armed":
            return count.sites
    missing = first_unknown(audited.states)
    if missing is None and isinstance(audited.sites, AtLeast):
        missing = Unknown(audited.sites.reason)
    return counted(0, missing)


def _traces(view: KernelView, tracer: TaskTracer) -> list[TaskTrace | Unknown]:
    """Return the stacks of the tasks that have a livepatch stack."""

    def trace(task: Object) -> TaskTrace | Unknown | None:
        has_one = tracer.has_livepatch_stack(task)
        if isinstance(has_one, Unknown):
            return has_one
        return tracer.trace(task) if has_one else None

    traces: list[TaskTrace | Unknown] = []
    for task in view.problems.walk("list of tasks", for_each_task(view.prog)).listed:
        if isinstance(task, Unknown):
            traces.append(task)
            continue
        found = view.problems.attempt(f"task at {task.value_():#x}", trace, task)
        if found is not None:
            traces.append(found)
    return traces


def _with_the_log(
    view: KernelView, findings: list[Finding | Unknown]
) -> tuple[Finding | Unknown, ...]:
    """Add what the kernel's log says of the moment when ftrace shut itself off."""
    if all(finding.id != FTRACE_DISABLED.id for finding in known(findings)):
        return tuple(findings)
    lines = ftrace_bug_lines(view.log.items)
    excerpt = "; the log: " + " / ".join(lines) if lines else "; the log has no 'ftrace bug'"
    if view.log.missing is not None:
        excerpt = f"; what the log says is unknown ({view.log.missing.reason})"
    return tuple(
        dataclasses.replace(finding, evidence=finding.evidence + excerpt)
        if isinstance(finding, Finding) and finding.id == FTRACE_DISABLED.id
        else finding
        for finding in findings
    )
