# SPDX-License-Identifier: GPL-2.0-or-later
"""A crash of a task whose livepatch stack was overwritten, or met by its kernel stack."""

import pytest

from klp_debug.analysis.crash.livepatch_stack import judge
from klp_debug.result.report import Verdict
from klp_debug.result.unknown import Unknown
from tests.support.fake_scene import crashed, scene_of
from tests.support.fake_view import FakeKernel
from tests.support.sure import sure, unread


@pytest.fixture
def kernel() -> FakeKernel:
    made = FakeKernel()
    made.function("f", traced=False)
    return made


def judged(
    kernel: FakeKernel, in_function: str, *, marker: int, sp: int | None
) -> Verdict | Unknown | None:
    """
    Crash with one entry on the livepatch stack.

    :param sp: bytes from the end of the livepatch stack to r1; None for far away
    """
    nip = kernel.functions[in_function].address + 0x20
    task = crashed(kernel, nip=nip)
    at = task.calls_replacement(toc=1, lr=nip, marker=marker)
    if sp is not None:
        kernel.put_u64(at + 24 + sp, task.end, 0, nip)
        kernel.save_registers(0, nip=nip, r1=at + 24 + sp)
    return judge(scene_of(kernel))


GOOD = 0x57AC6E9D


def test_the_handler_trapped_on_a_marker(kernel: FakeKernel) -> None:
    verdict = sure(judged(kernel, "livepatch_handler", marker=0x1234, sp=None))
    assert (verdict.blame, verdict.id) == ("caused", "livepatch-stack-damaged")
    assert verdict.what[1] == (
        "livepatch_handler found it when a replacement returned, and trapped."
    )
    assert "not STACK_END_MAGIC" in verdict.proof[0]


def test_a_marker_elsewhere_proves_nothing(kernel: FakeKernel) -> None:
    assert judged(kernel, "f", marker=0x1234, sp=None) is None


def test_the_stacks_met(kernel: FakeKernel) -> None:
    verdict = sure(judged(kernel, "f", marker=GOOD, sp=8))
    assert verdict.id == "livepatch-stack-overflow"
    assert verdict.what[1] == "Each overwrites the other, return addresses among it."


@pytest.mark.parametrize("name", ["f", "livepatch_handler"])
def test_a_stack_that_is_whole(kernel: FakeKernel, name: str) -> None:
    assert judged(kernel, name, marker=GOOD, sp=None) is None


def test_no_stack(kernel: FakeKernel) -> None:
    nip = kernel.functions["livepatch_handler"].address + 0x20
    crashed(kernel, nip=nip).struct.lose()
    scene = scene_of(kernel)
    assert judge(scene) == unread(scene.trace)
