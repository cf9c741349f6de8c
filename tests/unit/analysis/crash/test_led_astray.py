# SPDX-License-Identifier: GPL-2.0-or-later
"""A crash where no text is: who branched there, and whether a replacement was running."""

import pytest

from klp_debug.analysis.crash.led_astray import led_astray
from tests.support.fake_scene import crashed, scene_of
from tests.support.fake_view import FakeKernel
from tests.support.sure import sure, unread

NOWHERE = 0x1234


@pytest.fixture
def kernel() -> FakeKernel:
    made = FakeKernel()
    made.function("other", traced=False)
    made.patch("first", made.function("f", "scsi_common"))
    return made


def in_patch(kernel: FakeKernel) -> int:
    """Return an address in the replacement of the patch."""
    return kernel.functions["first_f"].address + 0x14


def test_the_patchs_own_code_branched_there(kernel: FakeKernel) -> None:
    crashed(kernel, nip=NOWHERE, link=0, cfar=in_patch(kernel))
    verdict = sure(led_astray(scene_of(kernel)))
    assert (verdict.blame, verdict.id) == ("caused", "patch-went-astray")
    assert verdict.what[1] == (
        "The code of a live patch, at first_f+0x14 [first], branched to 0x0000000000001234,"
        " where no text is."
    )
    assert verdict.proof[1].startswith(f"CFAR = {in_patch(kernel):#018x}: ")


@pytest.mark.parametrize("cfar", [0, 0x5678])
def test_a_replacement_was_running(kernel: FakeKernel, cfar: int) -> None:
    """The call that livepatch put on its stack has not returned; who branched is not known."""
    task = crashed(kernel, nip=NOWHERE, link=0, cfar=cfar)
    caller = kernel.functions["other"].address + 0x10
    task.calls_replacement(toc=kernel.kernel_toc, lr=caller)
    verdict = sure(led_astray(scene_of(kernel)))
    assert (verdict.blame, verdict.id) == ("involved", "patch-went-astray")
    assert verdict.proof[-1].endswith("which returns to other+0x10")
    assert [line for line in verdict.proof if line.startswith("CFAR")] == (
        [f"CFAR = {cfar:#018x}: there the branch was made"] if cfar else []
    )


def test_the_kernels_own_code_branched_there(kernel: FakeKernel) -> None:
    crashed(kernel, nip=NOWHERE, link=0, cfar=kernel.functions["other"].address + 8)
    assert led_astray(scene_of(kernel)) is None


def test_a_module_that_is_no_patch_branched_there(kernel: FakeKernel) -> None:
    crashed(kernel, nip=NOWHERE, link=0, cfar=kernel.functions["f"].address + 8)
    assert led_astray(scene_of(kernel)) is None


def test_of_a_system_call_it_is_no_cfar(kernel: FakeKernel) -> None:
    """There the kernel keeps r3 in its place."""
    crashed(kernel, nip=NOWHERE, link=0, cfar=in_patch(kernel), trap=0xC00)
    assert led_astray(scene_of(kernel)) is None


def test_a_crash_in_text(kernel: FakeKernel) -> None:
    crashed(kernel, nip=kernel.functions["other"].address, cfar=in_patch(kernel))
    assert led_astray(scene_of(kernel)) is None


def test_registers_that_nobody_saved(kernel: FakeKernel) -> None:
    kernel.crash(0)
    unread(led_astray(scene_of(kernel)))


def test_who_branched_there_cannot_be_read_though_a_replacement_was_running(
    kernel: FakeKernel,
) -> None:
    """It may be the patch itself: that live patching is only involved would be no fact."""
    task = crashed(kernel, nip=NOWHERE, link=0, cfar=in_patch(kernel))
    task.calls_replacement(toc=kernel.kernel_toc, lr=kernel.functions["other"].address + 0x10)
    kernel.patches[0].module.struct.lose()
    unread(led_astray(scene_of(kernel)))


def test_whether_the_module_is_a_patch_cannot_be_read(kernel: FakeKernel) -> None:
    crashed(kernel, nip=NOWHERE, link=0, cfar=in_patch(kernel))
    kernel.patches[0].module.struct.lose()
    unread(led_astray(scene_of(kernel)))
