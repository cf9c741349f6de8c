# SPDX-License-Identifier: GPL-2.0-or-later
"""A leaf whose site calls a stub that finds its target through r2, which is the caller's."""

import pytest

from klp_debug.analysis.crash.toc_stub import judge
from klp_debug.result.report import Verdict
from klp_debug.result.unknown import Unknown
from tests.support.fake_scene import crashed, scene_of
from tests.support.fake_view import FakeKernel
from tests.support.instructions import r2_stub
from tests.support.kernel_structs import MPROFILE, OUT_OF_LINE, Build
from tests.support.sure import sure, unread

with_toc = pytest.mark.parametrize("build", [MPROFILE, OUT_OF_LINE])
CALLERS_TOC = 0xC000000005008000
ASTRAY = 0x5A5A5A5A5A5A0000


def old_stub(build: Build, *, leaf: bool = True) -> FakeKernel:
    """
    Return a kernel whose module has a stub for ftrace_caller as kernels before v4.6 made.

    Where the stub looks with the caller's TOC is something else, which is no text.
    """
    kernel = FakeKernel(build)
    kernel.patch("first", kernel.function("f", "scsi_common", leaf=leaf))
    module = kernel.module("scsi_common")
    words = r2_stub(module.tramp, module.toc)
    module.put_stub(module.tramp, words, kernel.address("ftrace_caller"))
    entry = CALLERS_TOC + (module.tramp - module.toc) + 32
    kernel.memory.write(entry & ~0xFFF, bytes(0x1000))
    kernel.put_u64(entry, ASTRAY)
    return kernel


def judged(kernel: FakeKernel, *, nip: int, r2: int) -> Verdict | Unknown | None:
    function = kernel.functions["f"]
    crashed(kernel, nip=nip, link=function.call_at + 4, r2=r2, r12=nip)
    return judge(scene_of(kernel))


@with_toc
def test_it_went_where_the_callers_toc_leads(build: Build) -> None:
    kernel = old_stub(build)
    verdict = sure(judged(kernel, nip=ASTRAY, r2=CALLERS_TOC))
    assert (verdict.blame, verdict.id) == ("caused", "toc-stub-on-leaf")
    assert "f [scsi_common], hooked by first, is a leaf" in verdict.what[1]
    proof = "\n".join(verdict.proof)
    assert f"r2 = {CALLERS_TOC:#x}: no TOC of the kernel or a module" in proof
    assert f"so it goes to {ASTRAY:#x}" in proof


@with_toc
def test_it_crashed_in_the_stub(build: Build) -> None:
    kernel = old_stub(build)
    tramp = kernel.module("scsi_common").tramp
    verdict = sure(judged(kernel, nip=tramp + 12, r2=0xC00000000F008000))
    assert "and stops: " in "\n".join(verdict.proof)


def test_it_went_elsewhere() -> None:
    assert judged(old_stub(MPROFILE), nip=ASTRAY + 0x100, r2=CALLERS_TOC) is None


def test_a_function_that_had_set_its_toc() -> None:
    assert judged(old_stub(MPROFILE, leaf=False), nip=ASTRAY, r2=CALLERS_TOC) is None


@with_toc
def test_the_stub_of_a_newer_kernel(build: Build) -> None:
    kernel = FakeKernel(build)
    kernel.patch("first", kernel.function("f", "scsi_common", leaf=True))
    assert judged(kernel, nip=ASTRAY, r2=CALLERS_TOC) is None


def test_a_call_that_came_from_no_site() -> None:
    kernel = old_stub(MPROFILE)
    crashed(kernel, nip=ASTRAY, link=kernel.functions["f"].address + 0x30, r2=CALLERS_TOC)
    assert judge(scene_of(kernel)) is None


def test_a_stub_that_cannot_be_read() -> None:
    kernel = old_stub(MPROFILE)
    kernel.module("scsi_common").lose_stubs()
    why = unread(judged(kernel, nip=ASTRAY, r2=CALLERS_TOC))
    assert why.reason.startswith(f"path of the site {kernel.functions['f'].site_label}: not in")


def test_whether_the_call_came_from_a_site_cannot_be_read() -> None:
    kernel = old_stub(MPROFILE)
    kernel.functions["f"].record.lose()
    unread(judged(kernel, nip=ASTRAY, r2=CALLERS_TOC))


def test_a_function_that_set_its_toc_needs_no_stub_to_be_read() -> None:
    kernel = old_stub(MPROFILE, leaf=False)
    kernel.module("scsi_common").lose_stubs()
    assert judged(kernel, nip=ASTRAY, r2=CALLERS_TOC) is None


def test_registers_that_nobody_saved() -> None:
    kernel = old_stub(MPROFILE)
    kernel.crash(0)
    unread(judge(scene_of(kernel)))


def test_whose_toc_it_was_cannot_be_read() -> None:
    kernel = old_stub(MPROFILE)
    kernel.module("other").sections.lose()
    verdict = sure(judged(kernel, nip=ASTRAY, r2=CALLERS_TOC))
    assert verdict.id == "toc-stub-on-leaf"
    assert f"r2 = {CALLERS_TOC:#x}: whose TOC that is, is unknown" in "\n".join(verdict.proof)
