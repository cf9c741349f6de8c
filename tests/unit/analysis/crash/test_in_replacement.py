# SPDX-License-Identifier: GPL-2.0-or-later
"""A crash in a replacement, or in what one called: the patch's own code is involved."""

from klp_debug.analysis.crash.in_replacement import judge
from tests.support.fake_scene import crashed, scene_of
from tests.support.fake_view import FakeKernel
from tests.support.sure import sure, unread


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
    verdict = sure(judge(scene_of(kernel)))
    assert (verdict.blame, verdict.id) == ("involved", "crash-in-replacement")
    assert verdict.what[1] == (
        "It crashed at first_f+0x24 [first], in the replacement of first, which replaces f"
        " [scsi_common]."
    )


def test_in_what_it_called() -> None:
    kernel = patched()
    crashed(kernel, 0, within(kernel, "first_f"), nip=within(kernel, "helper"))
    verdict = sure(judge(scene_of(kernel)))
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
    scene = scene_of(kernel)
    assert judge(scene) == unread(scene.trace)


def test_whether_a_frame_is_of_a_replacement_cannot_be_read() -> None:
    kernel = patched()
    kernel.memory.lose(kernel.klp_ops)
    crashed(kernel, nip=within(kernel, "first_f"))
    assert unread(judge(scene_of(kernel))).reason.startswith("list klp_ops: not in the dump")


def test_a_crash_elsewhere_whose_frames_have_no_patch_in_any_case() -> None:
    """Their modules and records tell, though the func_stacks cannot be read."""
    kernel = patched()
    kernel.memory.lose(kernel.klp_ops)
    crashed(kernel, nip=within(kernel, "helper"))
    assert judge(scene_of(kernel)) is None


def test_what_it_replaces_cannot_be_read() -> None:
    kernel = patched()
    crashed(kernel, nip=within(kernel, "first_f"))
    kernel.memory.lose(kernel.patches[0].funcs["f"]["old_name"])
    verdict = sure(judge(scene_of(kernel)))
    assert verdict.what[1].endswith(", which replaces a function that is unknown.")
