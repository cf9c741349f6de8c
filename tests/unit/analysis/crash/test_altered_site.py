# SPDX-License-Identifier: GPL-2.0-or-later
"""A crash at an mcount site that holds what ftrace did not write."""

import pytest

from klp_debug.analysis.crash.altered_site import judge
from tests.support.fake_scene import crashed, scene_of
from tests.support.fake_view import FakeKernel
from tests.support.instructions import TRAP
from tests.support.kernel_structs import BUILDS, OUT_OF_LINE, Build
from tests.support.sure import sure, unread


def patched(build: Build) -> FakeKernel:
    kernel = FakeKernel(build)
    kernel.patch("first", kernel.function("f", "scsi_common"))
    return kernel


@pytest.mark.parametrize("build", BUILDS)
def test_a_trap_at_a_site(build: Build) -> None:
    kernel = patched(build)
    function = kernel.functions["f"]
    function.site_word = TRAP
    crashed(kernel, nip=function.site)
    verdict = sure(judge(scene_of(kernel)))
    assert (verdict.blame, verdict.id) == ("caused", "site-unknown-word")
    assert "the mcount site of f [scsi_common]" in verdict.what[0]
    assert verdict.what[1] == "Hooked by: first."
    assert f"{function.site:#x} holds 0x7fe00008" in "\n".join(verdict.proof)


def test_a_trap_in_its_out_of_line_stub() -> None:
    kernel = patched(OUT_OF_LINE)
    function = kernel.functions["f"]
    kernel.put_words(function.ool_stub, TRAP)
    crashed(kernel, nip=function.ool_stub)
    verdict = sure(judge(scene_of(kernel)))
    assert verdict.id == "stub-corrupt"


@pytest.mark.parametrize("build", BUILDS)
def test_a_crash_at_a_site_as_ftrace_left_it(build: Build) -> None:
    kernel = patched(build)
    crashed(kernel, nip=kernel.functions["f"].site)
    assert judge(scene_of(kernel)) is None


def test_a_crash_elsewhere() -> None:
    kernel = patched(BUILDS[0])
    kernel.functions["f"].site_word = TRAP
    crashed(kernel, nip=kernel.functions["f"].site + 4)
    assert judge(scene_of(kernel)) is None


def test_registers_that_nobody_saved() -> None:
    kernel = patched(BUILDS[0])
    kernel.functions["f"].site_word = TRAP
    kernel.crash(0)
    assert unread(judge(scene_of(kernel))).reason.startswith("registers of CPU 0: ")


def test_whether_it_was_at_a_site_cannot_be_read() -> None:
    kernel = patched(BUILDS[0])
    function = kernel.functions["f"]
    function.site_word = TRAP
    function.record.lose()
    crashed(kernel, nip=function.site)
    scene = scene_of(kernel)
    assert judge(scene) == unread(scene.view.records.missing)


def test_whether_the_site_fits_together_cannot_be_read() -> None:
    kernel = patched(BUILDS[0])
    function = kernel.functions["f"]
    kernel.memory.lose(kernel.ops_list)
    crashed(kernel, nip=function.site)
    unread(judge(scene_of(kernel)))
