# SPDX-License-Identifier: GPL-2.0-or-later
"""What ftrace_caller was called from, by the frame that it made."""

import pytest
from drgn import FaultError
from hypothesis import given
from hypothesis import strategies as st

from klp_debug.analysis.tasks.traced_call import TracedCall, is_trampoline, traced_call
from klp_debug.kernel.walk import WalkError
from klp_debug.result.unknown import Unknown
from tests.support.fake_view import FakeKernel

MIN_FRAME = 32
LR = 16
CALLER = 0xC000000000123458
"""In a function that called the traced one."""


class Traced:
    """A traced function B, and the frames below that of its caller."""

    def __init__(self, *, overhead: int = 48, frame_for_b: bool) -> None:
        self.kernel = FakeKernel()
        self.function = self.kernel.function("b")
        self.behind_site = self.function.site + 4
        self.regs = self.kernel.layouts["pt_regs"]
        self.sp = self.kernel.allocate(0x1000)
        self.above = self.sp + overhead + self.regs.size
        self.caller_frame = self.above + MIN_FRAME if frame_for_b else self.above
        self.kernel.put_u64(self.sp, self.above)
        if frame_for_b:
            self.kernel.put_u64(self.above, self.caller_frame, 0, self.behind_site)
        # The caller's own frame may be as small as that of B.
        self.kernel.put_u64(self.caller_frame, self.caller_frame + MIN_FRAME, 0, CALLER)
        self.nip(self.behind_site)

    def nip(self, value: int) -> None:
        """Let the saved registers return there."""
        at = self.above - self.regs.size + self.regs.member("nip").offset
        self.kernel.put_u64(at, value)


@pytest.mark.parametrize("overhead", [32, 48, 112])
@pytest.mark.parametrize("frame_for_b", [True, False])
def test_b_and_its_caller(overhead: int, frame_for_b: bool) -> None:
    made = Traced(overhead=overhead, frame_for_b=frame_for_b)
    assert traced_call(made.kernel.view(), made.sp) == TracedCall(
        traced=made.behind_site, caller=CALLER, sp=made.caller_frame
    )


def test_once_livepatch_has_run_only_a_frame_for_b_tells_of_it() -> None:
    for frame_for_b, traced in ((True, True), (False, False)):
        made = Traced(frame_for_b=frame_for_b)
        made.nip(made.kernel.function("replacement", traced=False).address)
        call = traced_call(made.kernel.view(), made.sp)
        assert call.traced == (made.behind_site if traced else None)
        assert (call.caller, call.sp) == (CALLER, made.caller_frame)


def test_what_is_no_frame_of_a_trampoline() -> None:
    made = Traced(overhead=64, frame_for_b=True)
    with pytest.raises(WalkError, match="is none of a trampoline"):
        traced_call(made.kernel.view(), made.sp)


def test_a_frame_that_cannot_be_read() -> None:
    made = Traced(frame_for_b=True)
    made.kernel.memory.lose(made.sp)
    with pytest.raises(FaultError):
        traced_call(made.kernel.view(), made.sp)


def test_without_the_sites_it_cannot_be_told_whether_b_has_a_frame() -> None:
    made = Traced(frame_for_b=True)
    made.kernel.memory.lose(made.kernel.first_record_page)
    with pytest.raises(WalkError):
        traced_call(made.kernel.view(), made.sp)


@given(st.integers(0, (1 << 64) - 1))
def test_any_address(sp: int) -> None:
    made = Traced(frame_for_b=False)
    with pytest.raises((FaultError, WalkError)):
        traced_call(made.kernel.view(), sp if sp != made.sp else 0)


@pytest.mark.parametrize(
    ("symbol", "expected"),
    [
        ("ftrace_call+0x4", True),
        ("ftrace_regs_caller+0xb8", True),
        ("ftrace_caller", True),
        ("ftrace_caller_op+0x4", False),
        ("livepatch_handler+0x30", False),
        (Unknown("not read"), False),
        (None, False),
    ],
)
def test_which_code_is_a_trampolines(symbol: str | Unknown | None, expected: bool) -> None:
    assert is_trampoline(symbol) is expected
