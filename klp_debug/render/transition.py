# SPDX-License-Identifier: GPL-2.0-or-later
"""The answer of ``transition`` as text."""

from klp_debug.render.bt import task_lines, told
from klp_debug.render.kernel import kernel_lines, problem_lines
from klp_debug.render.terminal import escape
from klp_debug.result.transition import TransitionReport, WaitingTask
from klp_debug.result.unknown import Unknown, add, number_of


def transition_lines(answer: TransitionReport) -> list[str]:
    """Return the verdict, and each task that waits with its reason and stack."""
    return [
        *kernel_lines(answer.kernel, answer.patch),
        "",
        *transition_summary(answer),
        *(line for task in answer.waiting for line in ("", *_waiting(task))),
        *problem_lines(answer.problems),
    ]


def transition_summary(answer: TransitionReport) -> list[str]:
    """Return how far the transition is, and since when it is under way."""
    if answer.direction is None:
        return ["no transition in progress"]
    if isinstance(answer.direction, Unknown):
        reason = escape(answer.direction.reason)
        return [f"whether a transition is in progress is unknown: {reason}"]
    name = "a patch whose name is unknown"
    if isinstance(answer.patch, str):
        name = escape(answer.patch)
    total = add(answer.switched, number_of(answer.waiting))
    return [
        f"{name}: {answer.direction}, {answer.switched} of {total} tasks have switched",
        *_since(answer),
    ]


def _since(answer: TransitionReport) -> list[str]:
    if answer.since is None:
        return []
    if isinstance(answer.since, Unknown):
        return [f"since when is unknown: {escape(answer.since.reason)}"]
    lasted = ""
    if isinstance(answer.now, float) and answer.now - answer.since >= 1:
        lasted = f", at least {answer.now - answer.since:.1f} s by the kernel's log"
    return [f"since {answer.since:.6f} s after boot{lasted}"]


def _waiting(task: WaitingTask | Unknown) -> list[str]:
    if isinstance(task, Unknown):
        return [f"whether more tasks wait is unknown: {escape(task.reason)}"]
    head, *rest = task_lines(task.trace)
    return [
        head,
        f"    held by: {told(task.hold)}; {escape(task.why)}{_pending(task)}",
        *_doubt(task),
        f"    unblocks: {task.unblocks}",
        *rest,
    ]


def _pending(task: WaitingTask) -> str:
    if isinstance(task.pending, Unknown):
        return " (whether TIF_PATCH_PENDING is set is unknown)"
    return "" if task.pending else " (TIF_PATCH_PENDING is not set)"


def _doubt(task: WaitingTask) -> list[str]:
    if task.doubt is None or isinstance(task.hold, Unknown):
        return []
    if isinstance(task.doubt, Unknown):
        return [f"    doubtful: unknown ({escape(task.doubt.reason)})"]
    return [f"    doubtful: {escape(task.doubt)}"]
