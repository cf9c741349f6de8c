# SPDX-License-Identifier: GPL-2.0-or-later
"""
Frames of a stack, and those whose return address is on the livepatch stack alone.

``livepatch_handler`` saves the caller's r2 and LR there and calls the replacement with a return
address of its own, so that a walk of the kernel stack meets the handler, not the caller.
"""

import pytest

from klp_debug.analysis.tasks.unwind import Unwinder
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.kernel.livepatch_stack import STACK_END_MAGIC
from klp_debug.result.bt import Frame
from tests.support.fake_tasks import FakeTask
from tests.support.fake_view import FakeKernel
from tests.support.kernel_structs import OUT_OF_LINE

STEP = 0x24
"""From the beginning of a function to where a call of it returns to."""


@pytest.fixture
def kernel() -> FakeKernel:
    made = FakeKernel()
    for name in ("schedule", "caller", "outer", "livepatch_handler"):
        made.function(name, traced=False)
    made.patch("first", made.function("f"))
    return made


def within(kernel: FakeKernel, *names: str) -> list[int]:
    return [kernel.functions[name].address + STEP for name in names]


def unwound(view: KernelView, task: FakeTask) -> list[Frame]:
    unwinder = Unwinder(view)
    obj = task.struct.object
    entries = unwinder.livepatch_stack(obj, range(task.stack, task.stack + 0x4000))
    frames = unwinder.frames(view.prog.stack_trace(obj), entries)
    # The last is that of copy_thread(), which returns nowhere.
    return [frame for frame in frames if frame.symbol is not None]


def names(frames: list[Frame]) -> list[str]:
    return [str(frame.symbol).partition("+")[0] for frame in frames]


def test_a_stack_without_livepatch(kernel: FakeKernel) -> None:
    task = kernel.task(7, "cat")
    task.sleeps(*within(kernel, "schedule", "caller", "outer"))
    frames = unwound(kernel.view(), task)
    assert names(frames) == ["schedule", "caller", "outer"]
    assert [frame.symbol for frame in frames][1] == f"caller+{STEP:#x}"
    assert {frame.role for frame in frames} == {None}
    assert not any(frame.from_livepatch_stack for frame in frames)


def sleeping_in_replacement(kernel: FakeKernel) -> FakeTask:
    """Return a task that sleeps in the replacement of f, which ``caller`` called."""
    task = kernel.task(7, "cat")
    task.sleeps(*within(kernel, "schedule", "first_f", "livepatch_handler", "outer"))
    task.calls_replacement(toc=kernel.kernel_toc, lr=within(kernel, "caller")[0])
    return task


def test_behind_the_handler_comes_the_caller(kernel: FakeKernel) -> None:
    frames = unwound(kernel.view(), sleeping_in_replacement(kernel))
    assert names(frames) == ["schedule", "first_f", "livepatch_handler", "caller", "outer"]
    hidden = frames[3]
    assert hidden.from_livepatch_stack
    assert hidden.sp is None
    assert hidden.pc == within(kernel, "caller")[0]
    assert (frames[1].role, frames[1].patch) == ("replacement", "first")
    assert [frame.from_livepatch_stack for frame in frames].count(True) == 1


def test_of_two_the_newest_first(kernel: FakeKernel) -> None:
    task = kernel.task(7, "cat")
    handler = "livepatch_handler"
    task.sleeps(*within(kernel, "schedule", "first_f", handler, "first_f", handler))
    for name in ("outer", "caller"):
        task.calls_replacement(toc=0, lr=within(kernel, name)[0])
    frames = unwound(kernel.view(), task)
    assert names(frames) == [
        "schedule",
        "first_f",
        handler,
        "caller",
        "first_f",
        handler,
        "outer",
    ]


def test_a_handler_without_an_entry(kernel: FakeKernel) -> None:
    task = kernel.task(7, "cat")
    task.sleeps(*within(kernel, "first_f", "livepatch_handler", "outer"))
    assert names(unwound(kernel.view(), task)) == ["first_f", "livepatch_handler", "outer"]


def test_a_return_address_behind_its_function(kernel: FakeKernel) -> None:
    """A call that is a function's last instruction returns behind it."""
    end = kernel.functions["caller"].address + 0x40
    task = kernel.task(7, "cat")
    task.sleeps(*within(kernel, "schedule"), end)
    assert unwound(kernel.view(), task)[1].symbol == "caller+0x40"


def test_an_original_on_the_stack(kernel: FakeKernel) -> None:
    task = kernel.task(7, "cat")
    task.sleeps(*within(kernel, "schedule", "f"))
    frame = unwound(kernel.view(), task)[1]
    assert (frame.role, frame.patch) == ("original", "first")


def test_entries_as_they_are_shown(kernel: FakeKernel) -> None:
    task = sleeping_in_replacement(kernel)
    broken = task.calls_replacement(toc=1, lr=0x1234, marker=0xBAD)
    view = kernel.view()
    unwinder = Unwinder(view)
    stack = range(task.stack, task.stack + 0x4000)
    newest, oldest = map(unwinder.describe, unwinder.livepatch_stack(task.struct.object, stack))
    assert (newest.address, newest.lr, newest.lr_symbol) == (broken, 0x1234, None)
    assert (newest.marker, newest.intact) == (0xBAD, False)
    assert (oldest.toc, oldest.lr_symbol) == (kernel.kernel_toc, f"caller+{STEP:#x}")
    assert (oldest.marker, oldest.intact) == (STACK_END_MAGIC, True)


def test_a_livepatch_stack_that_is_none(kernel: FakeKernel) -> None:
    task = kernel.task(7, "cat")
    task.struct["thread_info.livepatch_sp"] = task.stack + 9
    view = kernel.view()
    stack = range(task.stack, task.stack + 0x4000)
    assert Unwinder(view).livepatch_stack(task.struct.object, stack) == ()
    assert [p.where for p in view.problems.all()] == ["livepatch stack of task 7"]


def test_a_frame_that_only_registers_tell_of() -> None:
    kernel = FakeKernel(OUT_OF_LINE)
    function = kernel.function("f")
    kernel.patch("first", function)
    unwinder = Unwinder(kernel.view())
    at_site = unwinder.bare(function.site, 0x1000, interrupted=True)
    assert (at_site.pc, at_site.sp, at_site.interrupted) == (function.site, 0x1000, True)
    assert (at_site.role, at_site.patch) == ("original", "first")
    nowhere = unwinder.bare(0x10, 0x1000, interrupted=True)
    assert (nowhere.symbol, nowhere.role) == (None, None)
    stub = unwinder.bare(function.call_at + 4, 0x1000, interrupted=False, site=function.site)
    assert str(stub.symbol).startswith("out-of-line stub of f+0x8")
    assert (stub.role, stub.patch) == ("original", "first")
