# SPDX-License-Identifier: GPL-2.0-or-later
"""A crash of a task whose livepatch stack was overwritten."""

from klp_debug.analysis.audit.livepatch_stacks import stack_evidence, what_is_wrong
from klp_debug.analysis.catalogue import LIVEPATCH_STACK_OVERFLOW
from klp_debug.analysis.crash.crash import CrashScene
from klp_debug.kernel.ftrace_symbols import LIVEPATCH_HANDLER
from klp_debug.result.report import Verdict


def judge(scene: CrashScene) -> Verdict | None:
    """Return the verdict if the crashed task's livepatch stack explains it; None if it does not."""
    trace = scene.trace
    kind = what_is_wrong(scene.view.prog, trace) if trace is not None else None
    if trace is None or kind is None:
        return None
    trapped = any(
        (frame.symbol or "").startswith(f"{LIVEPATCH_HANDLER}+") and frame.interrupted
        for frame in trace.frames
    )
    if kind is LIVEPATCH_STACK_OVERFLOW:
        first = "The kernel stack of the task that crashed and its livepatch stack met."
    elif trapped:
        first = "Something overwrote the livepatch stack of the task that crashed."
    else:
        return None
    return Verdict(
        blame="caused",
        id=kind.id,
        what=(
            first,
            f"{LIVEPATCH_HANDLER} found it when a replacement returned, and trapped."
            if trapped
            else "Each overwrites the other, return addresses among it.",
        ),
        proof=tuple(stack_evidence(scene.view.prog, trace)),
        now=kind.action,
    )
