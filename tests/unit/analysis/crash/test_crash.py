# SPDX-License-Identifier: GPL-2.0-or-later
"""The scene of a crash: which CPU, what it ran, where it was, what the kernel said."""

import pytest

from klp_debug.analysis.crash.crash import crash_scene
from klp_debug.analysis.tasks.bt import TaskTracer
from tests.support.fake_scene import crashed, scene_of
from tests.support.fake_view import FakeKernel
from tests.support.kernel_structs import BUILDS, Build


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
    assert facts.registers is not None
    assert facts.registers.nip == function.address + 0x20
    assert facts.trace is not None
    assert (facts.trace.comm, facts.trace.running) == ("cat", True)
    assert not scene.wild
    (symbol,) = scene.view.symbols.named("f")
    assert scene.nip_in(symbol)
    assert scene.function_with_toc == symbol


@pytest.mark.parametrize("build", BUILDS)
def test_where_no_text_is_behind_a_site(build: Build) -> None:
    kernel = FakeKernel(build)
    function = kernel.function("f")
    crashed(kernel, nip=0x1234, link=function.call_at + 4)
    scene = scene_of(kernel)
    assert scene.wild
    assert scene.site is not None
    assert scene.view.records[scene.site].ip == function.site


def test_after_a_wild_branch_the_function_is_that_of_lr(kernel: FakeKernel) -> None:
    crashed(kernel, nip=0x1234, link=kernel.functions["caller"].address + 0x20)
    symbol = scene_of(kernel).function_with_toc
    assert symbol is not None
    assert symbol.name == "caller"


def test_a_leaf_sets_no_toc() -> None:
    kernel = FakeKernel()
    crashed(kernel, nip=kernel.function("leaf", leaf=True).address + 0x20)
    assert scene_of(kernel).function_with_toc is None


def test_registers_that_nobody_saved(kernel: FakeKernel) -> None:
    kernel.crash(0)
    scene = scene_of(kernel)
    assert (scene.registers, scene.site, scene.function_with_toc) == (None, None, None)
    assert not scene.wild
    assert "registers of CPU 0" in [p.where for p in scene.view.problems.all()]


def test_a_task_that_cannot_be_read(kernel: FakeKernel) -> None:
    crashed(kernel, nip=kernel.functions["f"].address).struct.lose()
    scene = scene_of(kernel)
    assert scene.trace is None
    assert "task that crashed on CPU 0" in [p.where for p in scene.view.problems.all()]
