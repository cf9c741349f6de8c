# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether livepatch can trust a stack, by the rules of ``arch_stack_walk_reliable()``."""

import pytest

from klp_debug.kernel.stacktrace import ReliableWalk, arch_stack_walk_reliable
from klp_debug.result.unknown import Unknown
from tests.support.fake_tasks import FRAME, THREAD_SIZE, FakeTask
from tests.support.fake_view import FakeKernel
from tests.support.kernel_structs import MPROFILE, OUT_OF_LINE, Build

TEXT = range(0x1000, 0x2000)
NOT_KNOWN = 0x5000


def is_text(address: int) -> bool | Unknown:
    """Return what a test says is text; of one address it is not known."""
    if address == NOT_KNOWN:
        return Unknown("list of modules: not in the dump")
    return address in TEXT or address > NOT_KNOWN


def walked(task: FakeTask) -> ReliableWalk:
    stack = range(task.stack, task.stack + THREAD_SIZE)
    return arch_stack_walk_reliable(task.struct.object, stack, is_text)


def sleeper(*returns: int) -> FakeTask:
    task = FakeKernel().task(7, "cat")
    task.sleeps(*returns)
    return task


def test_one_that_can_be_trusted() -> None:
    assert walked(sleeper(0x1010, 0x1020)) == ReliableWalk((0x1010, 0x1020), None)


def test_an_address_that_is_no_text() -> None:
    walk = walked(sleeper(0x1010, 0x3000))
    assert walk.addresses == (0x1010,)
    assert str(walk.broken).endswith("is no text: 0x3000")


def test_a_chain_that_leads_down() -> None:
    task = sleeper(0x1010, 0x1020)
    task.kernel.put_u64(task.frame(1), task.frame(1) - FRAME)
    assert "does not lead up" in str(walked(task).broken)


def test_registers_that_an_exception_saved() -> None:
    task = sleeper(0x1010, 0x1020)
    task.kernel.put_u64(task.frame(1) + 32, 0x53474552)
    assert str(walked(task).broken).startswith("an exception interrupted it")


def test_a_kretprobe() -> None:
    task = sleeper(0x1010, 0x1020)
    task.kernel.function("arch_rethook_trampoline", traced=False)
    task.sleeps(task.kernel.address("arch_rethook_trampoline"), 0x1020)
    assert str(walked(task).broken).startswith("a kretprobe took the place")


# the function graph tracer


@pytest.mark.parametrize("build", [MPROFILE, OUT_OF_LINE])
def test_a_traced_function_is_on_the_shadow_stack(build: Build) -> None:
    kernel = FakeKernel(build)
    kernel.function("return_to_handler", traced=False)
    handler = kernel.address("return_to_handler")
    task = kernel.task(7, "cat")
    task.sleeps(handler, handler, 0x1030)
    task.is_traced(0x1020, task.frame(2))
    task.is_traced(0x1010, task.frame(1))
    assert walked(task) == ReliableWalk((0x1010, 0x1020, 0x1030), None)


def test_a_traced_function_of_which_the_tracer_knows_nothing() -> None:
    kernel = FakeKernel()
    kernel.function("return_to_handler", traced=False)
    handler = kernel.address("return_to_handler")
    task = kernel.task(7, "cat")
    task.sleeps(handler, 0x1030)
    assert walked(task) == ReliableWalk((handler, 0x1030), None)


def test_a_traced_function_that_a_kretprobe_is_on_too() -> None:
    kernel = FakeKernel()
    for name in ("return_to_handler", "arch_rethook_trampoline"):
        kernel.function(name, traced=False)
    task = kernel.task(7, "cat")
    task.sleeps(kernel.address("return_to_handler"), 0x1030)
    task.is_traced(kernel.address("arch_rethook_trampoline"), task.frame(1))
    assert str(walked(task).broken).startswith("a kretprobe took the place")


# what cannot be read


def test_a_shadow_stack_that_cannot_be_read() -> None:
    kernel = FakeKernel()
    kernel.function("return_to_handler", traced=False)
    task = kernel.task(7, "cat")
    task.sleeps(0x1010, kernel.address("return_to_handler"), 0x1030)
    task.is_traced(0x1020, task.frame(2))
    kernel.memory.lose(task.shadow)
    walk = walked(task)
    assert walk.addresses == (0x1010,)
    assert isinstance(walk.broken, Unknown)


def test_whether_it_is_text_is_not_known() -> None:
    walk = walked(sleeper(0x1010, NOT_KNOWN, 0x1030))
    assert walk.addresses == (0x1010,)
    assert isinstance(walk.broken, Unknown)
    assert walk.broken.reason.endswith("is text: list of modules: not in the dump")


def test_a_stack_that_is_there_in_part() -> None:
    """What the walk met before is told; that it is reliable is not, nor that it is not."""
    task = sleeper(*[0x1010] * 60)
    task.kernel.memory.lose(task.end - 1)
    walk = walked(task)
    assert isinstance(walk.broken, Unknown)
    assert 0 < len(walk.addresses) < 60


def test_damage_before_the_part_that_cannot_be_read() -> None:
    """It is unreliable, whatever comes behind."""
    task = sleeper(0x3000, *[0x1010] * 60)
    task.kernel.memory.lose(task.end - 1)
    assert str(walked(task).broken).endswith("is no text: 0x3000")
