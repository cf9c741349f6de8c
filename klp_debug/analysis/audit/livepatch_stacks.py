# SPDX-License-Identifier: GPL-2.0-or-later
"""
The audit of tasks: whether the livepatch stack of each is whole.

It grows up from the bottom of the kernel stack, so what overwrites it first is that stack itself.
"""

from collections.abc import Iterable, Iterator

from drgn import Program, sizeof

from klp_debug.analysis.catalogue import LIVEPATCH_STACK_DAMAGED, LIVEPATCH_STACK_OVERFLOW
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.kernel.livepatch_stack import ENTRY_SIZE
from klp_debug.kernel.stack_frame import STACK_FRAME_MIN_SIZE
from klp_debug.result.bt import TaskTrace
from klp_debug.result.common import Finding, FindingKind

_SHOWN = 3
_FRAMES = 2 * STACK_FRAME_MIN_SIZE
"""What ftrace_caller makes besides struct pt_regs, in bytes: two frames."""


def stack_findings(view: KernelView, traces: Iterable[TaskTrace]) -> Iterator[Finding]:
    """Iterate over a finding for each task whose livepatch stack is not as it should be."""
    for trace in traces:
        kind = what_is_wrong(view.prog, trace)
        if kind is not None:
            evidence = "; ".join(stack_evidence(view.prog, trace))
            yield kind.on(f"{trace.comm} ({trace.pid})", evidence)


def what_is_wrong(prog: Program, trace: TaskTrace) -> FindingKind | None:
    """Return what is wrong with a task's livepatch stack; None if nothing is."""
    gap = _gap(trace)
    if gap is not None and gap < _needed(prog):
        return LIVEPATCH_STACK_OVERFLOW
    if any(not entry.intact for entry in trace.livepatch_stack):
        return LIVEPATCH_STACK_DAMAGED
    return None


def _gap(trace: TaskTrace) -> int | None:
    """Return how many bytes are between the two stacks; None if either is empty or not known."""
    frames = [int(frame.sp) for frame in trace.frames if frame.sp is not None]
    if not frames or not trace.livepatch_stack:
        return None
    return min(frames) - (int(trace.livepatch_stack[0].address) + ENTRY_SIZE)


def _needed(prog: Program) -> int:
    """Return how many bytes ftrace_caller puts there for every call of a patched function."""
    return int(sizeof(prog.type("struct pt_regs"))) + _FRAMES


def stack_evidence(prog: Program, trace: TaskTrace) -> Iterator[str]:
    """Iterate over what shows that a task's livepatch stack is not as it should be."""
    entries = trace.livepatch_stack
    gap = _gap(trace)
    if gap is not None and gap < _needed(prog):
        yield (
            f"{gap} bytes are between the kernel stack and the {len(entries)} entries of the"
            f" livepatch stack; ftrace_caller takes at least {_needed(prog)} of them"
        )
    damaged = [entry for entry in entries if not entry.intact]
    for entry in damaged[:_SHOWN]:
        yield (
            f"the entry at {entry.address} ends in {entry.marker}, not in STACK_END_MAGIC; it"
            f" holds r2 {entry.toc} and returns to {entry.lr_symbol or entry.lr}"
        )
    if len(damaged) > _SHOWN:
        yield f"and {len(damaged) - _SHOWN} more of the {len(entries)} entries are damaged"
