# SPDX-License-Identifier: GPL-2.0-or-later
"""A crash at an mcount site that holds what ftrace did not write."""

import pytest

from klp_debug.analysis.crash.altered_site import judge
from tests.support.fake_scene import crashed, scene_of
from tests.support.fake_view import FakeKernel
from tests.support.instructions import TRAP
from tests.support.kernel_structs import BUILDS, OUT_OF_LINE, Build


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
    verdict = judge(scene_of(kernel))
    assert verdict is not None
    assert (verdict.blame, verdict.id) == ("caused", "site-unknown-word")
    assert "the mcount site of f [scsi_common]" in verdict.what[0]
    assert verdict.what[1] == "Hooked by: first."
    assert f"{function.site:#x} holds 0x7fe00008" in "\n".join(verdict.proof)


def test_a_trap_in_its_out_of_line_stub() -> None:
    kernel = patched(OUT_OF_LINE)
    function = kernel.functions["f"]
    kernel.put_words(function.ool_stub, TRAP)
    crashed(kernel, nip=function.ool_stub)
    verdict = judge(scene_of(kernel))
    assert verdict is not None
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
    assert judge(scene_of(kernel)) is None
