# SPDX-License-Identifier: GPL-2.0-or-later
"""
Frames of a stack, and those whose return address is on the livepatch stack alone.

``livepatch_handler`` saves the caller's r2 and LR there and calls the replacement with a return
address of its own, so that a walk of the kernel stack meets the handler, not the caller.
"""

import dataclasses
from types import SimpleNamespace
from typing import Any

import pytest

from klp_debug.analysis.tasks.unwind import Unwinder
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.kernel.livepatch_stack import STACK_END_MAGIC
from klp_debug.result.bt import Frame
from klp_debug.result.unknown import Unknown, known
from tests.support.fake_tasks import FakeTask
from tests.support.fake_view import FakeKernel
from tests.support.kernel_structs import MPROFILE, OUT_OF_LINE, Build
from tests.support.livepatch_handler_words import WIDE

STEP = 0x24
"""From the beginning of a function to where a call of it returns to."""


@pytest.fixture
def kernel() -> FakeKernel:
    made = FakeKernel()
    for name in ("schedule", "caller", "outer"):
        made.function(name, traced=False)
    made.patch("first", made.function("f"))
    return made


def within(kernel: FakeKernel, *names: str) -> list[int]:
    return [kernel.functions[name].address + STEP for name in names]


def frames_of(view: KernelView, task: FakeTask) -> tuple[Frame | Unknown, ...]:
    unwinder = Unwinder(view)
    obj = task.struct.object
    entries = unwinder.livepatch_stack(obj, range(task.stack, task.stack + 0x4000))
    return unwinder.frames(obj, view.prog.stack_trace(obj), entries)


def unwound(view: KernelView, task: FakeTask) -> list[Frame]:
    # The last is that of copy_thread(), which returns nowhere.
    return [frame for frame in known(frames_of(view, task)) if frame.symbol is not None]


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


def test_in_entries_of_another_layout(kernel: FakeKernel) -> None:
    kernel.saves_by(WIDE)
    frames = unwound(kernel.view(), sleeping_in_replacement(kernel))
    assert names(frames) == ["schedule", "first_f", "livepatch_handler", "caller", "outer"]
    assert frames[3].pc == within(kernel, "caller")[0]


def test_in_entries_whose_layout_is_not_known(kernel: FakeKernel) -> None:
    """Then who called the replacement is unknown; of a task that is in none nothing is."""
    task = sleeping_in_replacement(kernel)
    kernel.saves_by(dataclasses.replace(WIDE, words=WIDE.words[:-1]))
    view = kernel.view()
    frames = frames_of(view, task)
    assert names(list(known(frames))) == [
        "schedule",
        "first_f",
        "livepatch_handler",
        "outer",
        "None",
    ]
    assert frames[3] == view.livepatch_entry
    other = kernel.task(8, "dog")
    other.sleeps(*within(kernel, "schedule", "caller"))
    assert names(unwound(view, other)) == ["schedule", "caller"]
    assert [problem.where for problem in view.problems.all()] == ["livepatch_handler"]


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
    entries = known(unwinder.livepatch_stack(task.struct.object, stack))
    newest, oldest = map(unwinder.describe, entries)
    assert (newest.address, newest.lr, newest.lr_symbol) == (broken, 0x1234, None)
    assert (newest.marker, newest.intact) == (0xBAD, False)
    assert (oldest.toc, oldest.lr_symbol) == (kernel.kernel_toc, f"caller+{STEP:#x}")
    assert (oldest.marker, oldest.intact) == (STACK_END_MAGIC, True)


def test_a_livepatch_stack_that_is_none(kernel: FakeKernel) -> None:
    task = kernel.task(7, "cat")
    task.info["livepatch_sp"] = task.stack + 9
    view = kernel.view()
    stack = range(task.stack, task.stack + 0x4000)
    (entry,) = Unwinder(view).livepatch_stack(task.struct.object, stack)
    assert isinstance(entry, Unknown)
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


@pytest.mark.parametrize("build", [MPROFILE, OUT_OF_LINE])
def test_a_traced_function(build: Build) -> None:
    """The tracer has its return address; the stack has ``return_to_handler``."""
    kernel = FakeKernel(build)
    for name in ("schedule", "caller", "outer", "return_to_handler"):
        kernel.function(name, traced=False)
    task = kernel.task(7, "cat")
    handler = kernel.address("return_to_handler")
    task.sleeps(*within(kernel, "schedule"), handler, *within(kernel, "outer"))
    task.is_traced(within(kernel, "caller")[0], task.frame(2))
    frames = unwound(kernel.view(), task)
    assert names(frames) == ["schedule", "caller", "outer"]
    assert [frame.from_shadow_stack for frame in frames] == [False, True, False]
    assert frames[1].pc == within(kernel, "caller")[0]


def test_a_traced_function_of_which_the_tracer_knows_nothing(kernel: FakeKernel) -> None:
    kernel.function("return_to_handler", traced=False)
    task = kernel.task(7, "cat")
    task.sleeps(*within(kernel, "schedule"), kernel.address("return_to_handler"))
    (_, frame) = known(frames_of(kernel.view(), task))[:2]
    assert not frame.from_shadow_stack


def test_a_traced_caller_of_a_replacement(kernel: FakeKernel) -> None:
    """Then the livepatch stack has ``return_to_handler``, and the tracer the caller."""
    kernel.function("return_to_handler", traced=False)
    task = kernel.task(7, "cat")
    task.sleeps(*within(kernel, "schedule", "first_f", "livepatch_handler", "outer"))
    task.calls_replacement(toc=0, lr=kernel.address("return_to_handler"))
    task.is_traced(within(kernel, "caller")[0], task.frame(3))
    frames = unwound(kernel.view(), task)
    assert names(frames) == ["schedule", "first_f", "livepatch_handler", "caller", "outer"]
    assert frames[3].from_livepatch_stack
    assert frames[3].from_shadow_stack


def test_a_shadow_stack_that_cannot_be_read(kernel: FakeKernel) -> None:
    """Where the traced function returns to is unknown; what is behind it is not."""
    kernel.function("return_to_handler", traced=False)
    task = kernel.task(7, "cat")
    handler = kernel.address("return_to_handler")
    task.sleeps(*within(kernel, "schedule"), handler, *within(kernel, "outer"))
    task.is_traced(within(kernel, "caller")[0], task.frame(2))
    kernel.memory.lose(task.shadow)
    first, second, third, *_ = frames_of(kernel.view(), task)
    assert isinstance(first, Frame)
    assert isinstance(second, Unknown)
    assert isinstance(third, Frame)
    assert names([first, third]) == ["schedule", "outer"]


def test_a_frame_that_comes_again_ends_the_walk(kernel: FakeKernel) -> None:
    """By unwind information that says of a function without a frame that it is its own caller."""
    pc, again = within(kernel, "schedule", "caller")
    trace: Any = [
        SimpleNamespace(is_inline=False, interrupted=False, pc=at, sp=sp)
        for at, sp in [(pc, 0x1000), (again, 0x1020), *[(again, 0x1040)] * 1000]
    ]
    view = kernel.view()
    *shown, last = Unwinder(view).frames(kernel.task(7, "cat").struct.object, trace, ())
    assert [frame.pc for frame in known(shown)] == [pc, again, again]
    assert isinstance(last, Unknown)
    assert last.reason.endswith("the walk does not go on from the frame at 0x1040")
    assert len(view.problems.all()) == 1
