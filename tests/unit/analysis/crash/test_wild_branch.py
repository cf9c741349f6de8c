# SPDX-License-Identifier: GPL-2.0-or-later
"""A crash where no text is, reached from a site, a trampoline or livepatch_handler."""

import pytest

from klp_debug.analysis.crash.wild_branch import judge
from tests.support.fake_scene import crashed, scene_of
from tests.support.fake_view import FakeKernel
from tests.support.instructions import bl
from tests.support.kernel_structs import BUILDS, Build

ASTRAY = 0x1234


@pytest.fixture
def kernel() -> FakeKernel:
    made = FakeKernel()
    made.patch("first", made.function("f", "scsi_common"))
    for name in ("livepatch_handler", "other"):
        made.function(name, traced=False)
    return made


@pytest.mark.parametrize("build", BUILDS)
def test_from_a_site(build: Build) -> None:
    kernel = FakeKernel(build)
    function = kernel.function("f", "scsi_common")
    kernel.patch("first", function)
    crashed(kernel, nip=ASTRAY, link=function.call_at + 4)
    verdict = judge(scene_of(kernel))
    assert verdict is not None
    assert (verdict.blame, verdict.id) == ("caused", "wild-branch")
    assert verdict.what[1] == (
        "The mcount site of f [scsi_common] led to 0x0000000000001234, where no text is."
    )
    assert any(line.startswith("site ") for line in verdict.proof)


def test_from_the_handler(kernel: FakeKernel) -> None:
    kernel.patches[0].funcs["f"]["new_func"] = ASTRAY
    link = kernel.functions["livepatch_handler"].address + 0x20
    crashed(kernel, nip=ASTRAY, link=link)
    verdict = judge(scene_of(kernel))
    assert verdict is not None
    assert verdict.what[1].startswith("livepatch_handler, which calls the replacement, led to ")
    assert any("new_func of first's klp_func" in line for line in verdict.proof)


def test_from_the_call_of_a_trampoline(kernel: FakeKernel) -> None:
    at = kernel.address("ftrace_call")
    kernel.put_words(at, bl(at, 0xC000000000001000))
    crashed(kernel, nip=ASTRAY, link=at + 4)
    verdict = judge(scene_of(kernel))
    assert verdict is not None
    assert "which calls ftrace's callbacks, led to" in verdict.what[1]
    assert any(line.startswith("ftrace_call: ") for line in verdict.proof)


def test_from_a_callback_that_an_ops_has(kernel: FakeKernel) -> None:
    ops = kernel.ops("function_trace_call", kernel.functions["f"])
    ops.struct["func"] = ASTRAY
    crashed(kernel, nip=ASTRAY, link=kernel.address("ftrace_call") + 4)
    verdict = judge(scene_of(kernel))
    assert verdict is not None
    assert f"func of ftrace_ops {ops.address:#x} is 0x0000000000001234" in verdict.proof


def test_from_another_function(kernel: FakeKernel) -> None:
    crashed(kernel, nip=ASTRAY, link=kernel.functions["other"].address + 0x20)
    assert judge(scene_of(kernel)) is None


def test_where_text_is(kernel: FakeKernel) -> None:
    function = kernel.functions["f"]
    crashed(kernel, nip=kernel.functions["other"].address, link=function.call_at + 4)
    assert judge(scene_of(kernel)) is None
