# SPDX-License-Identifier: GPL-2.0-or-later
"""The stack of a task that sleeps, and of one that runs, by its CPU's registers."""

import pytest

from klp_debug.analysis.tasks.bt import RUNNING, TaskTracer
from klp_debug.result.bt import Frame, TaskTrace
from tests.support.fake_tasks import FakeTask
from tests.support.fake_view import FakeKernel
from tests.support.instructions import NOP, STDU_R1_32
from tests.support.kernel_structs import BUILDS, Build

STEP = 0x24


@pytest.fixture
def kernel() -> FakeKernel:
    made = FakeKernel()
    for name in ("schedule", "caller", "outer", "livepatch_handler"):
        made.function(name, traced=False)
    return made


def within(kernel: FakeKernel, *names: str) -> list[int]:
    return [kernel.functions[name].address + STEP for name in names]


def named(frames: tuple[Frame, ...]) -> list[str]:
    return [frame.symbol.partition("+")[0] for frame in frames if frame.symbol is not None]


def traced(kernel: FakeKernel, task: FakeTask) -> TaskTrace:
    view = kernel.view()
    trace = TaskTracer(view).trace(task.struct.object)
    assert view.problems.all() == ()
    return trace


def running(kernel: FakeKernel, *, nip: int, link: int = 0, **gprs: int) -> FakeTask:
    """Return a task on CPU 0 whose frames lead to ``caller`` and ``outer``."""
    task = kernel.task(7, "cat")
    task.sleeps(*within(kernel, "schedule", "caller", "outer"))
    kernel.run(task)
    # Above the frame of _switch() is that of the function that runs.
    sp = kernel.prog_u64(task.struct["thread.ksp"])
    kernel.save_registers(0, nip=nip, link=link, r1=sp, **gprs)
    kernel.save_registers(1, nip=within(kernel, "schedule")[0], r1=kernel.idle[1].end)
    return task


def test_one_that_sleeps(kernel: FakeKernel) -> None:
    task = kernel.task(7, "cat", cpu=1)
    task.sleeps(*within(kernel, "schedule", "caller"))
    trace = traced(kernel, task)
    assert (trace.pid, trace.comm, trace.cpu) == (7, "cat", 1)
    assert (trace.running, trace.state, trace.unreliable) == (False, "sleeping", None)
    assert named(trace.frames) == ["schedule", "caller"]
    assert trace.livepatch_stack == ()
    assert not trace.in_patched


def test_one_that_sleeps_in_a_replacement(kernel: FakeKernel) -> None:
    kernel.patch("first", kernel.function("f"))
    task = kernel.task(7, "cat")
    task.sleeps(*within(kernel, "schedule", "first_f", "livepatch_handler", "outer"))
    task.calls_replacement(toc=kernel.kernel_toc, lr=within(kernel, "caller")[0])
    trace = traced(kernel, task)
    assert named(trace.frames) == ["schedule", "first_f", "livepatch_handler", "caller", "outer"]
    assert trace.in_patched
    (entry,) = trace.livepatch_stack
    assert entry.intact
    assert TaskTracer(kernel.view()).has_livepatch_stack(task.struct.object)


def test_without_a_livepatch_stack(kernel: FakeKernel) -> None:
    task = kernel.task(7, "cat")
    assert not TaskTracer(kernel.view()).has_livepatch_stack(task.struct.object)


def test_one_that_runs(kernel: FakeKernel) -> None:
    (nip,) = within(kernel, "schedule")
    trace = traced(kernel, running(kernel, nip=nip))
    assert (trace.running, trace.state, trace.unreliable) == (True, "running", RUNNING)
    assert trace.frames[0].pc == nip
    assert trace.frames[0].interrupted
    assert named(trace.frames)[0] == "schedule"
    assert named(trace.frames)[-1] == "outer"


def test_after_a_wild_branch_from_where_lr_says(kernel: FakeKernel) -> None:
    (link,) = within(kernel, "caller")
    trace = traced(kernel, running(kernel, nip=0x1234, link=link))
    assert (trace.frames[0].pc, trace.frames[0].symbol) == (0x1234, None)
    assert named(trace.frames)[0] == "caller"


@pytest.mark.parametrize("build", BUILDS)
def test_after_a_wild_branch_from_an_mcount_site(build: Build) -> None:
    """What called the function is in r0 then: it saved LR there before its site."""
    kernel = FakeKernel(build)
    for name in ("schedule", "caller", "outer"):
        kernel.function(name, traced=False)
    function = kernel.function("f", "scsi_common")
    (caller,) = within(kernel, "caller")
    task = running(kernel, nip=0x1234, link=function.call_at + 4, r0=caller)
    trace = traced(kernel, task)
    site, behind = trace.frames[1], trace.frames[2]
    assert site.pc == function.call_at + 4
    assert "f+" in str(site.symbol)
    assert behind.pc == caller


@pytest.mark.parametrize(("first", "called_by"), [(NOP, "outer"), (STDU_R1_32, "caller")])
def test_a_modules_function_before_and_after_it_makes_its_frame(
    kernel: FakeKernel, first: int, called_by: str
) -> None:
    """Before, LR tells its caller; after, the back chain does, and LR may be anything."""
    leaf = kernel.function("leaf", "scsi_common")
    kernel.put_words(leaf.address, first, *[NOP] * 15)
    (link,) = within(kernel, "outer")
    trace = traced(kernel, running(kernel, nip=leaf.address + 0x10, link=link))
    assert named(trace.frames)[:2] == ["leaf", called_by]


def test_registers_that_nobody_saved(kernel: FakeKernel) -> None:
    task = kernel.task(7, "cat")
    kernel.run(task)
    view = kernel.view()
    trace = TaskTracer(view).trace(task.struct.object)
    assert (trace.running, trace.frames) == (True, ())
    assert "registers of CPU 0" in [problem.where for problem in view.problems.all()]


def test_why_livepatch_cannot_trust_it(kernel: FakeKernel) -> None:
    task = kernel.task(7, "cat")
    task.sleeps(within(kernel, "schedule")[0], 0x1234)
    trace = traced(kernel, task)
    assert str(trace.unreliable).endswith("is no text: 0x1234")


def test_a_task_that_has_no_stack_any_more(kernel: FakeKernel) -> None:
    task = kernel.task(7, "cat")
    task.struct["stack"] = 0
    walk = TaskTracer(kernel.view()).reliable(task.struct.object)
    assert (walk.addresses, walk.broken) == ((), "it has no stack any more")


def test_what_is_text(kernel: FakeKernel) -> None:
    leaf = kernel.function("leaf", "scsi_common")
    tracer = TaskTracer(kernel.view())
    for address in (kernel.address("_stext"), kernel.address("_etext") - 4, leaf.address + 4):
        assert tracer.is_text(address)
    data = kernel.module("scsi_common").struct.address
    for address in (kernel.address("_etext"), leaf.address + 0x40, data, 0):
        assert not tracer.is_text(address)


def test_a_stack_that_cannot_be_read(kernel: FakeKernel) -> None:
    task = kernel.task(7, "cat")
    task.sleeps(*within(kernel, "schedule", "caller"))
    kernel.memory.lose(task.struct["thread.ksp"])
    view = kernel.view()
    trace = TaskTracer(view).trace(task.struct.object)
    assert str(trace.unreliable).endswith("cannot be read")
    assert named(trace.frames) == []
    assert "stack of task 7" in [problem.where for problem in view.problems.all()]
