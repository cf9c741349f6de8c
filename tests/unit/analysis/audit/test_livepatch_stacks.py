# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether the livepatch stack of each task is whole, and ftrace_caller has room above it."""

import pytest

from klp_debug.analysis.audit.livepatch_stacks import (
    stack_evidence,
    stack_findings,
    what_is_wrong,
)
from klp_debug.analysis.catalogue import LIVEPATCH_STACK_OVERFLOW
from klp_debug.kernel.livepatch_stack import STACK_END_MAGIC
from klp_debug.result.address import Address
from klp_debug.result.bt import Frame, LivepatchEntryResult, TaskTrace
from tests.support.fake_view import FakeKernel
from tests.support.findings import only
from tests.support.livepatch_handler_words import WIDE

BOTTOM = 0xC000000003000008
ENTRY = 24
NEEDED = 44 * 8 + 64
"""``struct pt_regs`` and two frames of 32 bytes."""


@pytest.fixture(scope="module")
def kernel() -> FakeKernel:
    return FakeKernel()


def entry(number: int, *, marker: int = STACK_END_MAGIC) -> LivepatchEntryResult:
    return LivepatchEntryResult(
        address=Address(BOTTOM + number * ENTRY),
        toc=Address(0xC000000000A08000),
        lr=Address(0xC000000000100040),
        lr_symbol="vfs_read+0x40",
        marker=Address(marker),
        intact=marker == STACK_END_MAGIC,
    )


def frame(sp: int | None) -> Frame:
    return Frame(
        pc=Address(0xC000000000100000),
        symbol="f+0x0",
        sp=None if sp is None else Address(sp),
        inlined=False,
        interrupted=False,
        from_livepatch_stack=sp is None,
        role=None,
        patch=None,
    )


def task(entries: list[LivepatchEntryResult], *sps: int | None) -> TaskTrace:
    """Return a task with entries, the oldest first, and frames at stack pointers."""
    return TaskTrace(
        pid=7,
        comm="cat",
        cpu=0,
        running=False,
        state="sleeping",
        frames=tuple(map(frame, sps)),
        livepatch_stack=tuple(reversed(entries)),
        unreliable=None,
        in_patched=False,
    )


def above(entries: int, gap: int) -> int:
    """Return a stack pointer some bytes above a livepatch stack of so many entries."""
    return BOTTOM + entries * ENTRY + gap


def test_whole_and_far_from_the_stack(kernel: FakeKernel) -> None:
    good = task([entry(0), entry(1)], above(2, NEEDED), None)
    assert what_is_wrong(kernel.view(), good) is None
    assert list(stack_evidence(kernel.view(), good)) == []
    assert list(stack_findings(kernel.view(), [good])) == []


def test_nothing_on_it(kernel: FakeKernel) -> None:
    assert what_is_wrong(kernel.view(), task([], BOTTOM)) is None


def test_frames_that_are_not_known(kernel: FakeKernel) -> None:
    assert what_is_wrong(kernel.view(), task([entry(0)])) is None
    assert what_is_wrong(kernel.view(), task([entry(0)], None)) is None


@pytest.mark.parametrize("gap", [NEEDED - 8, 0, -ENTRY])
def test_no_room_for_the_next_call(kernel: FakeKernel, gap: int) -> None:
    tight = task([entry(0), entry(1)], above(2, 0x1000), above(2, gap))
    finding = only(stack_findings(kernel.view(), [tight]))
    assert (finding.id, finding.subject) == ("livepatch-stack-overflow", "cat (7)")
    assert finding.evidence == (
        f"{gap} bytes are between the kernel stack and the 2 entries of the livepatch stack;"
        f" ftrace_caller takes at least {NEEDED} of them"
    )


def test_the_room_above_entries_of_another_size() -> None:
    kernel = FakeKernel()
    kernel.saves_by(WIDE)
    high = task([entry(0)], BOTTOM + WIDE.size + NEEDED)
    assert what_is_wrong(kernel.view(), high) is None
    low = task([entry(0)], BOTTOM + WIDE.size + NEEDED - 8)
    assert what_is_wrong(kernel.view(), low) == LIVEPATCH_STACK_OVERFLOW


def test_an_entry_that_was_written_over(kernel: FakeKernel) -> None:
    damaged = task([entry(0), entry(1, marker=0x1234)], above(2, 0x1000))
    finding = only(stack_findings(kernel.view(), [damaged]))
    assert (finding.id, finding.subject) == ("livepatch-stack-damaged", "cat (7)")
    assert finding.evidence == (
        f"the marker of the entry at {BOTTOM + ENTRY:#x} is 0x0000000000001234, not"
        " STACK_END_MAGIC; it holds r2 0xc000000000a08000 and returns to vfs_read+0x40"
    )


def test_many_of_them(kernel: FakeKernel) -> None:
    damaged = task([entry(number, marker=0) for number in range(5)], above(5, 0x1000))
    lines = list(stack_evidence(kernel.view(), damaged))
    assert len(lines) == 4
    assert lines[-1] == "and 2 more of the 5 entries are damaged"
