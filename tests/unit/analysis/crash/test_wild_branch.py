# SPDX-License-Identifier: GPL-2.0-or-later
"""A crash where no text is, reached from a site, a trampoline or livepatch_handler."""

import pytest

from klp_debug.analysis.crash.wild_branch import judge
from tests.support.fake_scene import crashed, scene_of
from tests.support.fake_view import FakeKernel
from tests.support.instructions import bl
from tests.support.kernel_structs import BUILDS, Build
from tests.support.sure import sure, unread

ASTRAY = 0x1234


@pytest.fixture
def kernel() -> FakeKernel:
    made = FakeKernel()
    made.patch("first", made.function("f", "scsi_common"))
    made.function("other", traced=False)
    return made


@pytest.mark.parametrize("build", BUILDS)
def test_from_a_site(build: Build) -> None:
    kernel = FakeKernel(build)
    function = kernel.function("f", "scsi_common")
    kernel.patch("first", function)
    crashed(kernel, nip=ASTRAY, link=function.call_at + 4)
    verdict = sure(judge(scene_of(kernel)))
    assert (verdict.blame, verdict.id) == ("caused", "wild-branch")
    assert verdict.what[1] == (
        "The mcount site of f [scsi_common] led to 0x0000000000001234, where no text is."
    )
    assert any(line.startswith("site ") for line in verdict.proof)


def test_from_the_handler(kernel: FakeKernel) -> None:
    kernel.patches[0].funcs["f"]["new_func"] = ASTRAY
    link = kernel.functions["livepatch_handler"].address + 0x20
    crashed(kernel, nip=ASTRAY, link=link)
    verdict = sure(judge(scene_of(kernel)))
    assert verdict.what[1].startswith("livepatch_handler, which calls the replacement, led to ")
    assert any("new_func of first's klp_func" in line for line in verdict.proof)


def test_from_the_call_of_a_trampoline(kernel: FakeKernel) -> None:
    at = kernel.address("ftrace_call")
    kernel.put_words(at, bl(at, 0xC000000000001000))
    crashed(kernel, nip=ASTRAY, link=at + 4)
    verdict = sure(judge(scene_of(kernel)))
    assert "which calls ftrace's callbacks, led to" in verdict.what[1]
    assert any(line.startswith("ftrace_call: ") for line in verdict.proof)


def test_from_a_callback_that_an_ops_has(kernel: FakeKernel) -> None:
    ops = kernel.ops("function_trace_call", kernel.functions["f"])
    ops.struct["func"] = ASTRAY
    crashed(kernel, nip=ASTRAY, link=kernel.address("ftrace_call") + 4)
    verdict = sure(judge(scene_of(kernel)))
    assert f"func of ftrace_ops {ops.address:#x} is 0x0000000000001234" in verdict.proof


def test_from_another_function(kernel: FakeKernel) -> None:
    crashed(kernel, nip=ASTRAY, link=kernel.functions["other"].address + 0x20)
    assert judge(scene_of(kernel)) is None


def test_where_text_is(kernel: FakeKernel) -> None:
    function = kernel.functions["f"]
    crashed(kernel, nip=kernel.functions["other"].address, link=function.call_at + 4)
    assert judge(scene_of(kernel)) is None


# what cannot be read


def test_registers_that_nobody_saved(kernel: FakeKernel) -> None:
    kernel.crash(0)
    unread(judge(scene_of(kernel)))


def test_whether_text_is_there_cannot_be_read(kernel: FakeKernel) -> None:
    """It may be in a module whose symbols could not be read."""
    kernel.module("scsi_common").struct.lose()
    nip = kernel.module("scsi_common").base + 0x8000
    crashed(kernel, nip=nip, link=kernel.functions["livepatch_handler"].address + 0x20)
    unread(judge(scene_of(kernel)))


def test_whether_the_call_came_from_a_site_cannot_be_read(kernel: FakeKernel) -> None:
    function = kernel.functions["f"]
    function.record.lose()
    crashed(kernel, nip=ASTRAY, link=function.call_at + 4)
    unread(judge(scene_of(kernel)))


def test_the_rest_of_the_way_cannot_be_read(kernel: FakeKernel) -> None:
    """That a site led there is known, though not how."""
    function = kernel.functions["f"]
    kernel.module("scsi_common").lose_stubs()
    crashed(kernel, nip=ASTRAY, link=function.call_at + 4)
    verdict = sure(judge(scene_of(kernel)))
    assert verdict.id == "wild-branch"
    assert any(line.startswith("unknown (path of the site f") for line in verdict.proof)


def test_the_ops_cannot_be_read(kernel: FakeKernel) -> None:
    kernel.memory.lose(kernel.ops_list)
    crashed(kernel, nip=ASTRAY, link=kernel.address("ftrace_call") + 4)
    verdict = sure(judge(scene_of(kernel)))
    assert "which calls ftrace's callbacks, led to" in verdict.what[1]
    assert any(line.startswith("unknown (ftrace_ops_list: not in") for line in verdict.proof)
