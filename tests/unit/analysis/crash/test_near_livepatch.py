# SPDX-License-Identifier: GPL-2.0-or-later
"""A crash in livepatch's own code, or where the code of a module was that is gone."""

import pytest
from drgn import Type

from klp_debug.analysis.crash.near_livepatch import judge
from tests.support.fake_scene import crashed, scene_of
from tests.support.fake_view import FakeKernel
from tests.support.sure import sure, unread

TAINTED = 1 << 15
GONE = 0xC008000000F00000
"""In the area of modules, where none is."""


@pytest.fixture
def kernel() -> FakeKernel:
    made = FakeKernel()
    made.variable("__vmalloc_start", "unsigned long", 0xC008000000000000)
    made.variable("__vmalloc_end", "unsigned long", 0xC00A000000000000)
    for name in ("other", "klp_try_switch_task", "__klp_shadow_get_or_alloc", "my_klp_helper"):
        made.function(name, traced=False)
    made.module("scsi_common")
    return made


def gone(kernel: FakeKernel, *, last: str = "first", taint: int = TAINTED) -> int:
    """
    Let the kernel be one that a live patch was in, and a module was removed from.

    :return: address of ``tainted_mask``
    """
    name = kernel.string(last)
    kernel.place("last_unloaded_module", kernel.prog.array_type(char(kernel), 56), name)
    return kernel.variable("tainted_mask", "unsigned long", taint)


def astray(kernel: FakeKernel, nip: int) -> None:
    """Crash where another function's call went."""
    crashed(kernel, nip=nip, link=kernel.functions["other"].address + 0x24)


def char(kernel: FakeKernel) -> Type:
    return kernel.prog.int_type("char", 1, True)


# in its own code


@pytest.mark.parametrize("name", ["klp_try_switch_task", "__klp_shadow_get_or_alloc"])
def test_in_livepatchs_own_code(kernel: FakeKernel, name: str) -> None:
    kernel.say(1.0, "livepatch: enabling patch 'first'")
    nip = kernel.functions[name].address + 0x20
    crashed(kernel, nip=nip)
    verdict = sure(judge(scene_of(kernel)))
    assert (verdict.blame, verdict.id) == ("involved", "crash-in-livepatch")
    assert verdict.what[1] == f"The kernel was in {name}+0x20, its own code for that."
    assert f"{nip:#x} {name}+0x20" in verdict.proof[0]
    assert verdict.proof[-1] == "the log: livepatch: enabling patch 'first'"


def test_called_by_livepatchs_own_code(kernel: FakeKernel) -> None:
    caller = kernel.functions["klp_try_switch_task"].address + 0x20
    crashed(kernel, 0, caller, nip=kernel.functions["other"].address + 0x20)
    assert sure(judge(scene_of(kernel))).id == "crash-in-livepatch"


@pytest.mark.parametrize("name", ["other", "my_klp_helper"])
def test_in_another_function(kernel: FakeKernel, name: str) -> None:
    crashed(kernel, nip=kernel.functions[name].address + 0x20)
    assert judge(scene_of(kernel)) is None


# in a module that is gone


def test_in_a_live_patch_that_was_removed(kernel: FakeKernel) -> None:
    gone(kernel)
    kernel.say(1.0, "livepatch: 'first': unpatching complete")
    astray(kernel, GONE)
    verdict = sure(judge(scene_of(kernel)))
    assert (verdict.blame, verdict.id) == ("involved", "crash-in-removed-module")
    assert verdict.what[2] == "The module that was removed last, first, was a live patch."


@pytest.mark.parametrize("last", ["first", ""])
def test_in_a_replacement_whose_module_was_removed(kernel: FakeKernel, last: str) -> None:
    """livepatch's handler called it: so it was a live patch, whatever was removed last."""
    gone(kernel, last=last)
    handler = kernel.functions["livepatch_handler"].address
    caller = kernel.functions["other"].address + 0x10
    task = crashed(kernel, 0, handler + 0x30, caller, nip=GONE, link=GONE)
    task.calls_replacement(toc=kernel.kernel_toc, lr=caller)
    verdict = sure(judge(scene_of(kernel)))
    assert (verdict.blame, verdict.id) == ("involved", "crash-in-removed-module")
    assert verdict.what[0] == "The code of a live patch that is gone is involved in this crash."
    assert any("called it where other+0x10 called a patched function" in s for s in verdict.proof)


@pytest.mark.parametrize("last", ["scsi_mod", ""])
def test_in_a_module_that_may_have_been_one(kernel: FakeKernel, last: str) -> None:
    gone(kernel, last=last)
    kernel.say(1.0, "livepatch: 'first': unpatching complete")
    astray(kernel, GONE)
    verdict = sure(judge(scene_of(kernel)))
    assert (verdict.blame, verdict.id) == ("cannot be told", None)
    assert verdict.what[0] == "Whether live patching is involved in this crash cannot be told."


def test_no_live_patch_was_ever_loaded(kernel: FakeKernel) -> None:
    gone(kernel, taint=0)
    astray(kernel, GONE)
    assert judge(scene_of(kernel)) is None


def test_where_no_module_can_be(kernel: FakeKernel) -> None:
    gone(kernel)
    astray(kernel, 0x1234)
    assert judge(scene_of(kernel)) is None


# what cannot be read


def test_registers_that_nobody_saved(kernel: FakeKernel) -> None:
    kernel.crash(0)
    unread(judge(scene_of(kernel)))


def test_no_stack(kernel: FakeKernel) -> None:
    nip = kernel.functions["klp_try_switch_task"].address + 0x20
    crashed(kernel, nip=nip).struct.lose()
    scene = scene_of(kernel)
    assert judge(scene) == unread(scene.trace)


def test_whether_a_patch_was_ever_loaded(kernel: FakeKernel) -> None:
    kernel.memory.lose(gone(kernel))
    astray(kernel, GONE)
    assert unread(judge(scene_of(kernel))).reason.startswith("tainted_mask: not in the dump")


def test_where_the_area_of_modules_is(kernel: FakeKernel) -> None:
    gone(kernel)
    kernel.forget("__vmalloc_end")
    astray(kernel, GONE)
    why = unread(judge(scene_of(kernel)))
    assert why.reason == "the area of modules: this kernel has no __vmalloc_end"


def test_whether_text_is_there(kernel: FakeKernel) -> None:
    gone(kernel)
    kernel.module("scsi_common").struct.lose()
    astray(kernel, GONE)
    unread(judge(scene_of(kernel)))


def test_a_log_that_breaks_off_is_said_to_be_incomplete(kernel: FakeKernel) -> None:
    kernel.forget("log_buf")
    crashed(kernel, nip=kernel.functions["klp_try_switch_task"].address + 0x20)
    verdict = sure(judge(scene_of(kernel)))
    assert verdict.proof[-1].startswith("the log is incomplete: log of the kernel: ")
