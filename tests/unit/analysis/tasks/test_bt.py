# SPDX-License-Identifier: GPL-2.0-or-later
"""The stack of a task that sleeps, and of one that runs, by its CPU's registers."""

import pytest

from klp_debug.analysis.tasks.bt import RUNNING, TaskTracer
from klp_debug.result.bt import Frame, TaskTrace
from klp_debug.result.unknown import Unknown, known
from tests.support.fake_tasks import FakeTask
from tests.support.fake_view import FakeKernel
from tests.support.instructions import MFLR_R0, MTLR_R0, NOP, STD_R0_16_R1, STDU_R1_32
from tests.support.kernel_structs import BUILDS, Build

STEP = 0x24


@pytest.fixture
def kernel() -> FakeKernel:
    made = FakeKernel()
    for name in ("schedule", "caller", "outer"):
        made.function(name, traced=False)
    return made


def within(kernel: FakeKernel, *names: str) -> list[int]:
    return [kernel.functions[name].address + STEP for name in names]


def named(frames: tuple[Frame | Unknown, ...]) -> list[str]:
    symbols = [frame.symbol for frame in known(frames)]
    return [symbol.partition("+")[0] for symbol in symbols if isinstance(symbol, str)]


def frame(trace: TaskTrace, number: int) -> Frame:
    """Return one of a stack's frames, which must be known."""
    found = trace.frames[number]
    assert isinstance(found, Frame)
    return found


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
    (entry,) = known(trace.livepatch_stack)
    assert entry.intact
    assert TaskTracer(kernel.view()).has_livepatch_stack(task.struct.object)


def test_without_a_livepatch_stack(kernel: FakeKernel) -> None:
    task = kernel.task(7, "cat")
    assert not TaskTracer(kernel.view()).has_livepatch_stack(task.struct.object)


def test_one_that_runs(kernel: FakeKernel) -> None:
    (nip,) = within(kernel, "schedule")
    trace = traced(kernel, running(kernel, nip=nip))
    assert (trace.running, trace.state, trace.unreliable) == (True, "running", RUNNING)
    assert frame(trace, 0).pc == nip
    assert frame(trace, 0).interrupted
    assert named(trace.frames)[0] == "schedule"
    assert named(trace.frames)[-1] == "outer"


def test_after_a_wild_branch_from_where_lr_says(kernel: FakeKernel) -> None:
    (link,) = within(kernel, "caller")
    trace = traced(kernel, running(kernel, nip=0x1234, link=link))
    assert (frame(trace, 0).pc, frame(trace, 0).symbol) == (0x1234, None)
    assert named(trace.frames)[0] == "caller"


def test_in_code_that_is_gone_from_where_its_frame_returns_to(kernel: FakeKernel) -> None:
    """NIP and LR are both of no text: a task came back into a module that was removed."""
    gone = 0xC008000000F00000
    task = running(kernel, nip=gone, link=gone)
    # What the function that is gone called has saved its return address there.
    kernel.put_u64(kernel.prog_u64(task.struct["thread.ksp"]) + 16, gone + 8)
    trace = traced(kernel, task)
    assert (frame(trace, 0).pc, frame(trace, 0).symbol) == (gone, None)
    assert named(trace.frames) == ["caller", "outer"]


def test_a_function_that_has_saved_lr_alone_may_have_gone_there(kernel: FakeKernel) -> None:
    task = running(kernel, nip=0x1234, link=0)
    (saved,) = within(kernel, "schedule")
    kernel.put_u64(kernel.prog_u64(task.struct["thread.ksp"]) + 16, saved)
    trace = TaskTracer(kernel.view()).trace(task.struct.object)
    assert isinstance(trace.frames[1], Unknown)
    assert "a function without a frame" in trace.frames[1].reason
    assert named(trace.frames) == ["caller", "outer"]


@pytest.mark.parametrize("lost", ["r1", "back chain"])
def test_in_code_that_is_gone_whose_frame_is_gone_too(kernel: FakeKernel, lost: str) -> None:
    gone = 0xC008000000F00000
    task = running(kernel, nip=gone, link=gone)
    sp = kernel.prog_u64(task.struct["thread.ksp"])
    if lost == "r1":
        kernel.memory.lose(sp)
    else:
        kernel.put_u64(sp, (1 << 64) - 8)
    trace = TaskTracer(kernel.view()).trace(task.struct.object)
    assert frame(trace, 0).pc == gone
    assert isinstance(trace.frames[1], Unknown)


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
    site, behind = frame(trace, 1), frame(trace, 2)
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


ADDI_R1_32, LD_R0_16_R1 = 0x38210020, 0xE8010010


@pytest.mark.parametrize(
    ("restored", "callers"), [(NOP, ["caller", "outer"]), (MTLR_R0, ["schedule", "outer"])]
)
def test_a_modules_function_that_has_taken_its_frame_off(
    kernel: FakeKernel, restored: int, callers: list[str]
) -> None:
    """Its return address is where LR was saved, until LR has it again."""
    kernel.function("popped", "scsi_common")
    at = kernel.functions["popped"].address
    taken_off = [ADDI_R1_32, LD_R0_16_R1, restored]
    kernel.put_words(at, MFLR_R0, STD_R0_16_R1, STDU_R1_32, *taken_off, NOP)
    (link,) = within(kernel, "schedule")
    task = running(kernel, nip=at + 24, link=link)
    sp = task.frame(2)
    kernel.save_registers(0, nip=at + 24, link=link, r1=sp)
    trace = traced(kernel, task)
    assert named(trace.frames)[:3] == ["popped", *callers]


def test_where_it_saved_lr_cannot_be_read(kernel: FakeKernel) -> None:
    kernel.function("popped", "scsi_common")
    at = kernel.functions["popped"].address
    kernel.put_words(at, MFLR_R0, STD_R0_16_R1, STDU_R1_32, ADDI_R1_32, NOP)
    task = running(kernel, nip=at + 16)
    kernel.save_registers(0, nip=at + 16, r1=0xC008000000F00000)
    shown, missing, *_ = TaskTracer(kernel.view()).trace(task.struct.object).frames
    assert isinstance(shown, Frame)
    assert isinstance(missing, Unknown)
    assert "not in the dump: 0xc008000000f000" in missing.reason


def test_registers_that_nobody_saved(kernel: FakeKernel) -> None:
    task = kernel.task(7, "cat")
    kernel.run(task)
    view = kernel.view()
    trace = TaskTracer(view).trace(task.struct.object)
    (missing,) = trace.frames
    assert trace.running is True
    assert isinstance(missing, Unknown)
    assert missing.reason.startswith("registers of CPU 0: ")
    assert isinstance(trace.in_patched, Unknown)
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


def test_a_stack_that_cannot_be_read(kernel: FakeKernel) -> None:
    task = kernel.task(7, "cat")
    task.sleeps(*within(kernel, "schedule", "caller"))
    kernel.memory.lose(task.struct["thread.ksp"])
    view = kernel.view()
    trace = TaskTracer(view).trace(task.struct.object)
    assert isinstance(trace.unreliable, Unknown)
    (missing,) = trace.frames
    assert isinstance(missing, Unknown)
    assert isinstance(trace.in_patched, Unknown)
    assert "stack of task 7" in [problem.where for problem in view.problems.all()]


def test_a_stack_that_is_there_in_part(kernel: FakeKernel) -> None:
    """What is behind the frames that are there may be anything, a patched function too."""
    task = kernel.task(7, "cat")
    task.sleeps(*within(kernel, "schedule", *["caller"] * 60))
    whole = traced(kernel, task)
    kernel.memory.lose(task.end - 1)
    view = kernel.view()
    trace = TaskTracer(view).trace(task.struct.object)
    *there, missing = trace.frames
    assert isinstance(missing, Unknown)
    assert 1 < len(there) < 60
    assert tuple(there) == whole.frames[: len(there)]
    assert (whole.in_patched, type(trace.in_patched)) == (False, Unknown)
    assert {problem.where for problem in view.problems.all()} == {"stack of task 7"}


def test_what_a_patch_has_to_do_with_it_is_told_of_a_part_too(kernel: FakeKernel) -> None:
    kernel.patch("first", kernel.function("f"))
    task = kernel.task(7, "cat")
    task.sleeps(*within(kernel, "schedule", "f", *["caller"] * 60))
    kernel.memory.lose(task.end - 1)
    assert TaskTracer(kernel.view()).trace(task.struct.object).in_patched is True


def test_a_walk_that_does_not_go_on_to_the_end(kernel: FakeKernel) -> None:
    """Nothing is missing in the dump: the chain itself leads somewhere else."""
    task = kernel.task(7, "cat")
    task.sleeps(*within(kernel, "schedule", "caller", "outer"))
    away = kernel.allocate(0x1000)
    kernel.put_u64(task.frame(2), away)
    kernel.put_u64(away, 0x10)
    trace = TaskTracer(kernel.view()).trace(task.struct.object)
    assert isinstance(trace.frames[-1], Unknown)


def test_a_stack_whose_bounds_cannot_be_read(kernel: FakeKernel) -> None:
    task = kernel.task(7, "cat")
    task.sleeps(*within(kernel, "schedule", "caller"))
    task.struct["stack"] = task.stack + 8
    trace = TaskTracer(kernel.view()).trace(task.struct.object)
    for value in (trace.frames[0], trace.livepatch_stack[0], trace.unreliable, trace.in_patched):
        assert isinstance(value, Unknown)
    assert trace.comm == "cat"


def test_one_that_runs_in_user_mode(kernel: FakeKernel) -> None:
    """Its kernel stack is empty, and the user's is not asked for."""
    task = running(kernel, nip=0x10000400)
    kernel.save_registers(0, nip=0x10000400, r1=0x7FFFE000, msr=0x800000000280F033)
    trace = traced(kernel, task)
    assert (len(trace.frames), frame(trace, 0).pc) == (1, 0x10000400)
    assert trace.in_patched is False


def test_the_patches_cannot_be_read(kernel: FakeKernel) -> None:
    """Whether a function is an original is asked of its ftrace record then."""
    kernel.patch("first", kernel.function("f"))
    kernel.function("g")
    kernel.stacks["f"].struct.lose()
    task = kernel.task(7, "cat")
    task.sleeps(*within(kernel, "schedule", "f"))
    trace = TaskTracer(kernel.view()).trace(task.struct.object)
    assert isinstance(frame(trace, 1).role, Unknown)
    assert isinstance(frame(trace, 1).patch, Unknown)
    assert isinstance(trace.in_patched, Unknown)
    task.sleeps(*within(kernel, "schedule", "g"))
    trace = TaskTracer(kernel.view()).trace(task.struct.object)
    assert trace.in_patched is False


def test_a_livepatch_stack_that_cannot_be_read(kernel: FakeKernel) -> None:
    """It is neither empty nor full; and the caller of a replacement is missing."""
    kernel.patch("first", kernel.function("f"))
    task = kernel.task(7, "cat")
    task.sleeps(*within(kernel, "schedule", "first_f", "livepatch_handler", "outer"))
    task.calls_replacement(toc=kernel.kernel_toc, lr=within(kernel, "caller")[0])
    kernel.memory.lose(task.stack)
    tracer = TaskTracer(kernel.view())
    trace = tracer.trace(task.struct.object)
    (entry,) = trace.livepatch_stack
    assert isinstance(entry, Unknown)
    assert isinstance(trace.frames[3], Unknown)
    assert named(trace.frames) == ["schedule", "first_f", "livepatch_handler", "outer"]
    assert isinstance(tracer.has_livepatch_stack(task.struct.object), Unknown)


def test_where_a_trampoline_was_interrupted_the_rest_is_unknown(kernel: FakeKernel) -> None:
    """Whether it has made its frame, or dropped it, no register tells."""
    task = running(kernel, nip=kernel.address("ftrace_caller") + 4)
    view = kernel.view()
    first, *rest = TaskTracer(view).trace(task.struct.object).frames
    assert named((first,)) == ["ftrace_caller"]
    (unknown,) = rest
    assert isinstance(unknown, Unknown)
    assert "may have no frame: it was interrupted there" in unknown.reason
