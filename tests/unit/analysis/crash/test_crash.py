# SPDX-License-Identifier: GPL-2.0-or-later
"""The scene of a crash: which CPU, what it ran, where it was, what the kernel said."""

import pytest

from klp_debug.analysis.crash.crash import crash_scene
from klp_debug.analysis.tasks.bt import TaskTracer
from tests.support.fake_scene import crashed, scene_of
from tests.support.fake_view import FakeKernel
from tests.support.kernel_structs import BUILDS, Build
from tests.support.paged_memory import PAGE
from tests.support.sure import sure, unread


@pytest.fixture
def kernel() -> FakeKernel:
    made = FakeKernel()
    made.function("f")
    made.function("caller", traced=False)
    return made


def test_a_kernel_that_did_not_crash(kernel: FakeKernel) -> None:
    view = kernel.view()
    assert crash_scene(view, TaskTracer(view)) is None
    assert view.problems.all() == ()


def test_who_and_where(kernel: FakeKernel) -> None:
    function, caller = kernel.functions["f"], kernel.functions["caller"]
    crashed(kernel, 0, caller.address + 0x20, nip=function.address + 0x20)
    kernel.say(1.0, "BUG: Unable to handle kernel data access at 0x0")
    kernel.say(1.0, "Oops: Kernel access of bad area, sig: 11 [#1]")
    scene = scene_of(kernel)
    facts = scene.facts()
    assert facts.cpu == 0
    assert facts.message == "BUG: Unable to handle kernel data access at 0x0"
    assert len(facts.log) == 2
    assert sure(facts.registers).nip == function.address + 0x20
    assert (sure(facts.trace).comm, sure(facts.trace).running) == ("cat", True)
    assert scene.wild is False
    (symbol,) = scene.view.symbols.named("f")
    assert scene.function_with_toc == symbol


@pytest.mark.parametrize("build", BUILDS)
def test_where_no_text_is_behind_a_site(build: Build) -> None:
    kernel = FakeKernel(build)
    function = kernel.function("f")
    crashed(kernel, nip=0x1234, link=function.call_at + 4)
    scene = scene_of(kernel)
    assert scene.wild is True
    assert scene.view.records[sure(scene.site)].ip == function.site


def test_after_a_wild_branch_the_function_is_that_of_lr(kernel: FakeKernel) -> None:
    crashed(kernel, nip=0x1234, link=kernel.functions["caller"].address + 0x20)
    assert sure(scene_of(kernel).function_with_toc).name == "caller"


def test_a_leaf_sets_no_toc() -> None:
    kernel = FakeKernel()
    crashed(kernel, nip=kernel.function("leaf", leaf=True).address + 0x20)
    assert scene_of(kernel).function_with_toc is None


def test_registers_that_nobody_saved(kernel: FakeKernel) -> None:
    kernel.crash(0)
    scene = scene_of(kernel)
    why = unread(scene.registers)
    assert why.reason.startswith("registers of CPU 0: ")
    assert scene.site == scene.function_with_toc == scene.wild == why
    assert "registers of CPU 0" in [p.where for p in scene.view.problems.all()]


def test_a_task_that_cannot_be_read(kernel: FakeKernel) -> None:
    crashed(kernel, nip=kernel.functions["f"].address).struct.lose()
    scene = scene_of(kernel)
    assert unread(scene.trace).reason.startswith("task that crashed on CPU 0: not in the dump")
    assert "task that crashed on CPU 0" in [p.where for p in scene.view.problems.all()]


def test_whether_it_crashed_cannot_be_read(kernel: FakeKernel) -> None:
    kernel.memory.lose(kernel.panic_cpu)
    view = kernel.view()
    assert unread(crash_scene(view, TaskTracer(view))).reason.startswith("which CPU crashed: ")


def test_the_log_cannot_be_read(kernel: FakeKernel) -> None:
    """The last report in it would be the crash's."""
    crashed(kernel, nip=kernel.functions["f"].address)
    kernel.say(1.0, "Oops: Kernel access of bad area, sig: 11 [#1]")
    kernel.say(2.0, "x" * 2 * PAGE)
    kernel.memory.lose(kernel.log_at + PAGE)
    scene = scene_of(kernel)
    why = unread(scene.view.log.missing)
    assert (scene.message, scene.report) == (why, (why,))


def test_nip_may_be_in_a_module_whose_symbols_cannot_be_read(kernel: FakeKernel) -> None:
    function = kernel.function("g", "scsi_common", traced=False)
    kernel.module("scsi_common").kallsyms.lose()
    crashed(kernel, nip=function.address + 0x20)
    scene = scene_of(kernel)
    assert scene.function_with_toc == unread(scene.view.symbols.missing)


def test_whether_it_sets_its_toc_cannot_be_read(kernel: FakeKernel) -> None:
    crashed(kernel, nip=kernel.functions["f"].address + 0x20)
    kernel.functions["f"].lose_text()
    assert unread(scene_of(kernel).function_with_toc).reason.startswith("text of f: not in")


def test_whether_a_site_made_the_last_call_cannot_be_read(kernel: FakeKernel) -> None:
    kernel.functions["f"].record.lose()
    crashed(kernel, nip=0x1234, link=kernel.functions["f"].call_at + 4)
    scene = scene_of(kernel)
    assert scene.site == unread(scene.view.records.missing)
