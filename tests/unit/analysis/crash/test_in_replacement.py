# SPDX-License-Identifier: GPL-2.0-or-later
"""A crash in a replacement, or in what one called: the patch's own code is involved."""

from klp_debug.analysis.crash.in_replacement import judge
from tests.support.fake_scene import crashed, scene_of
from tests.support.fake_view import FakeKernel


def patched() -> FakeKernel:
    kernel = FakeKernel()
    kernel.patch("first", kernel.function("f", "scsi_common"))
    kernel.function("helper", traced=False)
    return kernel


def within(kernel: FakeKernel, name: str) -> int:
    return kernel.functions[name].address + 0x24


def test_in_the_replacement() -> None:
    kernel = patched()
    crashed(kernel, nip=within(kernel, "first_f"))
    verdict = judge(scene_of(kernel))
    assert verdict is not None
    assert (verdict.blame, verdict.id) == ("involved", "crash-in-replacement")
    assert verdict.what[1] == (
        "It crashed at first_f+0x24 [first], in the replacement of first, which replaces f"
        " [scsi_common]."
    )


def test_in_what_it_called() -> None:
    kernel = patched()
    crashed(kernel, 0, within(kernel, "first_f"), nip=within(kernel, "helper"))
    verdict = judge(scene_of(kernel))
    assert verdict is not None
    assert verdict.what[1].startswith(
        "It crashed at helper+0x24, called by the replacement of first at first_f+0x24 [first]"
    )
    assert len(verdict.proof) >= 2


def test_elsewhere() -> None:
    kernel = patched()
    crashed(kernel, 0, within(kernel, "f"), nip=within(kernel, "helper"))
    assert judge(scene_of(kernel)) is None


def test_no_stack() -> None:
    kernel = patched()
    crashed(kernel, nip=within(kernel, "first_f")).struct.lose()
    assert judge(scene_of(kernel)) is None
