# SPDX-License-Identifier: GPL-2.0-or-later
"""A crash of a task whose livepatch stack was overwritten."""

from klp_debug.analysis.audit.livepatch_stacks import stack_evidence, what_is_wrong
from klp_debug.analysis.catalogue import LIVEPATCH_STACK_OVERFLOW
from klp_debug.analysis.crash.crash import CrashScene
from klp_debug.kernel.ftrace_symbols import LIVEPATCH_HANDLER
from klp_debug.result.report import Verdict
from klp_debug.result.unknown import Unknown, first_unknown, known


def judge(scene: CrashScene) -> Verdict | Unknown | None:
    """Return the verdict if the crashed task's livepatch stack explains it; None if it does not."""
    trace = scene.trace
    if isinstance(trace, Unknown):
        return trace
    kind = what_is_wrong(scene.view, trace)
    if kind is None or isinstance(kind, Unknown):
        return kind
    frames = known(trace.frames)
    trapped = any(
        str(frame.symbol).startswith(f"{LIVEPATCH_HANDLER}+") and frame.interrupted
        for frame in frames
    )
    if kind is LIVEPATCH_STACK_OVERFLOW:
        first = "The kernel stack of the task that crashed and its livepatch stack met."
    elif trapped:
        first = "The livepatch stack of the task that crashed was overwritten."
    else:
        return first_unknown(trace.frames)
    return Verdict(
        blame="caused",
        id=kind.id,
        what=(
            first,
            f"{LIVEPATCH_HANDLER} found it when a replacement returned, and trapped."
            if trapped
            else "Each overwrites the other, return addresses among it.",
        ),
        proof=tuple(stack_evidence(scene.view, trace)),
        now=kind.action,
    )
