# SPDX-License-Identifier: GPL-2.0-or-later
"""The answer of ``transition`` as text."""

from klp_debug.render.bt import task_lines
from klp_debug.render.kernel import kernel_lines, problem_lines
from klp_debug.render.terminal import escape
from klp_debug.result.transition import TransitionReport, WaitingTask


def transition_lines(answer: TransitionReport) -> list[str]:
    """Return the verdict, and each task that waits with its reason and stack."""
    return [
        *kernel_lines(answer.kernel),
        "",
        *transition_summary(answer),
        *(line for task in answer.waiting for line in ("", *_waiting(task))),
        *problem_lines(answer.problems),
    ]


def transition_summary(answer: TransitionReport) -> list[str]:
    """Return how far the transition is, and since when it is under way."""
    if answer.direction is None:
        return ["no transition in progress"]
    name = escape(answer.patch) if answer.patch is not None else "a patch that cannot be read"
    total = answer.switched + len(answer.waiting)
    return [
        f"{name}: {answer.direction}, {answer.switched} of {total} tasks have switched",
        *_since(answer),
    ]


def _since(answer: TransitionReport) -> list[str]:
    if answer.since is None:
        return []
    lasted = ""
    if answer.now is not None and answer.now - answer.since >= 1:
        lasted = f", at least {answer.now - answer.since:.1f} s by the kernel's log"
    return [f"since {answer.since:.6f} s after boot{lasted}"]


def _waiting(task: WaitingTask) -> list[str]:
    head, *rest = task_lines(task.trace)
    pending = "" if task.pending else " (TIF_PATCH_PENDING is not set)"
    return [
        head,
        f"    held by: {task.hold}; {escape(task.why)}{pending}",
        f"    unblocks: {task.unblocks}",
        *rest,
    ]
