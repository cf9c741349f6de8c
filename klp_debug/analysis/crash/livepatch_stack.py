# SPDX-License-Identifier: GPL-2.0-or-later
"""A livepatch stack whose marker was overwritten, by the crashed task or another."""

from collections.abc import Iterator

from klp_debug.analysis.crash.scene import CrashScene
from klp_debug.analysis.findings import LIVEPATCH_STACK_DAMAGED
from klp_debug.result.finding import Finding
from klp_debug.result.report import Verdict
from klp_debug.result.trace import LivepatchFrame, TaskTrace


def judge(scene: CrashScene) -> Verdict | None:
    """Return the verdict if ``livepatch_handler`` trapped on a marker; None if it did not."""
    if scene.trace is None:
        return None
    damaged = [entry for entry in scene.trace.livepatch_stack if not entry.intact]
    in_handler = any(
        (frame.symbol or "").startswith("livepatch_handler+") and frame.interrupted
        for frame in scene.trace.frames
    )
    if not damaged or not in_handler:
        return None
    return Verdict(
        blame="caused",
        id=LIVEPATCH_STACK_DAMAGED.id,
        what=(
            "Something overwrote the livepatch stack of the task that crashed.",
            "livepatch_handler found it when a replacement returned, and trapped.",
        ),
        proof=tuple(_evidence(entry) for entry in damaged),
        why=None,
        now=LIVEPATCH_STACK_DAMAGED.action,
        checked=(),
    )


def stack_findings(traces: Iterator[TaskTrace]) -> Iterator[Finding]:
    """Iterate over a finding for each damaged entry of any task."""
    for trace in traces:
        for entry in trace.livepatch_stack:
            if not entry.intact:
                yield LIVEPATCH_STACK_DAMAGED.on(f"{trace.comm} ({trace.pid})", _evidence(entry))


def _evidence(entry: LivepatchFrame) -> str:
    return (
        f"the entry at {entry.address} ends in {entry.marker}, not in STACK_END_MAGIC; it holds r2"
        f" {entry.toc} and returns to {entry.lr_symbol or entry.lr}"
    )
