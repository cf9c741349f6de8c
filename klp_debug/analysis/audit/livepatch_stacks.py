# SPDX-License-Identifier: GPL-2.0-or-later
"""
The audit of tasks: whether the livepatch stack of each is whole.

It grows up from the bottom of the kernel stack, so what overwrites it first is that stack itself.
"""

from collections.abc import Iterable, Iterator, Sequence

from drgn import Program, sizeof

from klp_debug.analysis.audit.unchecked import unchecked
from klp_debug.analysis.catalogue import LIVEPATCH_STACK_DAMAGED, LIVEPATCH_STACK_OVERFLOW
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.kernel.stack_frame import STACK_FRAME_MIN_SIZE
from klp_debug.result.bt import LivepatchEntryResult, TaskTrace
from klp_debug.result.common import Finding, FindingKind
from klp_debug.result.unknown import Unknown, first_unknown, known, number_of

_SHOWN = 3
_FRAMES = 2 * STACK_FRAME_MIN_SIZE
"""What ftrace_caller makes besides struct pt_regs, in bytes: two frames."""


def stack_findings(
    view: KernelView, traces: Iterable[TaskTrace | Unknown]
) -> Iterator[Finding | Unknown]:
    """Iterate over a finding for each task whose livepatch stack is not as it should be."""
    for trace in traces:
        if isinstance(trace, Unknown):
            yield trace
            continue
        kind = what_is_wrong(view, trace)
        if isinstance(kind, Unknown):
            yield kind
        elif kind is not None:
            evidence = "; ".join(stack_evidence(view, trace))
            yield kind.on(_task(trace), evidence)


def _task(trace: TaskTrace) -> str:
    comm: object = trace.comm
    name = "a task whose name is unknown" if isinstance(comm, Unknown) else comm
    return f"{name} ({trace.pid})"


def what_is_wrong(view: KernelView, trace: TaskTrace) -> FindingKind | Unknown | None:
    """Return what is wrong with a task's livepatch stack; None if nothing is."""
    gap = _gap(view, trace)
    if isinstance(gap, int) and gap < _needed(view.prog):
        return LIVEPATCH_STACK_OVERFLOW
    if any(not entry.intact for entry in known(trace.livepatch_stack)):
        return LIVEPATCH_STACK_DAMAGED
    unread = first_unknown((gap, *trace.livepatch_stack))
    return None if unread is None else unchecked(f"livepatch stack of {_task(trace)}", unread)


def _gap(view: KernelView, trace: TaskTrace) -> int | Unknown | None:
    """Return how many bytes are between the two stacks; None if either is empty."""
    entries: Sequence[object] = trace.livepatch_stack
    frames: Sequence[object] = trace.frames
    if not entries or not frames:
        return None
    # A stack grows down: its innermost frame and the newest entry are nearest to each other, and
    # what is missing behind them says nothing of that.
    if isinstance(entries[0], Unknown) or isinstance(frames[0], Unknown):
        return first_unknown((entries[0], frames[0]))
    sps = [int(frame.sp) for frame in known(trace.frames) if frame.sp is not None]
    newest = known(trace.livepatch_stack)[0]
    if not sps:
        return first_unknown(frames)
    layout = view.livepatch_entry
    return layout if isinstance(layout, Unknown) else min(sps) - int(newest.address) - layout.size


def _needed(prog: Program) -> int:
    """Return how many bytes ftrace_caller puts there for every call of a patched function."""
    return int(sizeof(prog.type("struct pt_regs"))) + _FRAMES


def stack_evidence(view: KernelView, trace: TaskTrace) -> Iterator[str]:
    """Iterate over what shows that a task's livepatch stack is not as it should be."""
    entries = known(trace.livepatch_stack)
    number = number_of(trace.livepatch_stack)
    gap = _gap(view, trace)
    if isinstance(gap, int) and gap < _needed(view.prog):
        yield (
            f"{gap} bytes are between the kernel stack and the {number} entries of the"
            f" livepatch stack; ftrace_caller takes at least {_needed(view.prog)} of them"
        )
    damaged = [entry for entry in entries if not entry.intact]
    for entry in damaged[:_SHOWN]:
        yield (
            f"the marker of the entry at {entry.address} is {entry.marker}, not STACK_END_MAGIC; it"
            f" holds r2 {entry.toc} and returns to {_caller(entry)}"
        )
    if len(damaged) > _SHOWN:
        yield f"and {len(damaged) - _SHOWN} more of the {number} entries are damaged"


def _caller(entry: LivepatchEntryResult) -> str:
    symbol: object = entry.lr_symbol
    if isinstance(symbol, Unknown):
        return f"{entry.lr} (its symbol is unknown)"
    return str(entry.lr if symbol is None else symbol)
