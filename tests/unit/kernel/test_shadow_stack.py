# SPDX-License-Identifier: GPL-2.0-or-later
"""
Where functions return to that the function graph tracer follows.

The kernel's rules are those of ``ftrace_graph_ret_addr()``; both forms of the stack are tried, an
array of ``struct ftrace_ret_stack`` and one of longs.
"""

import pytest
from drgn import FaultError

from klp_debug.kernel.shadow_stack import RealReturns, SavedReturn, shadow_stack
from klp_debug.kernel.walk import WalkError
from tests.support.fake_tasks import FakeTask
from tests.support.fake_view import FakeKernel
from tests.support.kernel_structs import MPROFILE, OUT_OF_LINE, Build

FORMS = (MPROFILE, OUT_OF_LINE)
FRAME, OTHER = 0xC000000004001000, 0xC000000004001100


def traced(build: Build) -> tuple[FakeKernel, FakeTask]:
    kernel = FakeKernel(build)
    kernel.function("return_to_handler", traced=False)
    return kernel, kernel.task(7, "cat")


@pytest.mark.parametrize("build", FORMS)
def test_a_task_that_was_never_traced(build: Build) -> None:
    _, task = traced(build)
    assert shadow_stack(task.struct.object) is None


@pytest.mark.parametrize("build", FORMS)
def test_the_newest_comes_first(build: Build) -> None:
    _, task = traced(build)
    task.is_traced(0x100, FRAME)
    task.is_traced(0x200, OTHER, data=2)
    shadow = shadow_stack(task.struct.object)
    assert shadow is not None
    assert shadow.saved == (SavedReturn(0x200, OTHER), SavedReturn(0x100, FRAME))


@pytest.mark.parametrize("build", FORMS)
def test_what_is_left_over_is_among_the_words_alone(build: Build) -> None:
    _, task = traced(build)
    task.is_traced(0x100, FRAME)
    task.struct["curr_ret_stack"] = 0 if build.out_of_line else -1
    shadow = shadow_stack(task.struct.object)
    assert shadow is not None
    assert shadow.saved == ()
    assert 0x100 in shadow.words


@pytest.mark.parametrize("build", FORMS)
def test_the_one_whose_frame_it_is(build: Build) -> None:
    kernel, task = traced(build)
    handler = kernel.address("return_to_handler")
    task.is_traced(0x100, FRAME)
    task.is_traced(0x200, OTHER)
    returns = RealReturns(task.struct.object)
    assert returns.real(handler, FRAME) == 0x100
    assert returns.real(handler, OTHER) == 0x200
    assert returns.real(handler, 0x3000) == handler
    assert returns.real(0x1234, FRAME) == 0x1234


@pytest.mark.parametrize("build", FORMS)
def test_a_tail_call_has_the_same_frame_twice(build: Build) -> None:
    kernel, task = traced(build)
    handler = kernel.address("return_to_handler")
    task.is_traced(0x100, FRAME)
    task.is_traced(handler, FRAME)
    assert RealReturns(task.struct.object).real(handler, FRAME) == 0x100


def test_a_kernel_without_the_tracer() -> None:
    kernel = FakeKernel()
    task = kernel.task(7, "cat")
    assert RealReturns(task.struct.object).real(0x1234, FRAME) == 0x1234


@pytest.mark.parametrize(("build", "top"), [(MPROFILE, 50), (OUT_OF_LINE, 513)])
def test_a_top_outside_of_it(build: Build, top: int) -> None:
    _, task = traced(build)
    task.is_traced(0x100, FRAME)
    task.struct["curr_ret_stack"] = top
    with pytest.raises(WalkError, match=f"curr_ret_stack is {top}"):
        shadow_stack(task.struct.object)


@pytest.mark.parametrize("word", [0, 2, 9])
def test_a_word_that_leads_to_no_entry(word: int) -> None:
    kernel, task = traced(OUT_OF_LINE)
    task.is_traced(0x100, FRAME)
    kernel.put_u64(task.shadow + 3 * 8, 1 << 10 | word)
    with pytest.raises(WalkError, match="word 3 of a shadow stack"):
        shadow_stack(task.struct.object)


@pytest.mark.parametrize("build", FORMS)
def test_one_that_cannot_be_read(build: Build) -> None:
    kernel, task = traced(build)
    task.is_traced(0x100, FRAME)
    kernel.memory.lose(task.shadow)
    returns = RealReturns(task.struct.object)
    assert returns.real(0x1234, FRAME) == 0x1234
    with pytest.raises(FaultError):
        returns.real(kernel.address("return_to_handler"), FRAME)
