# SPDX-License-Identifier: GPL-2.0-or-later
"""A caller that took the wrong TOC back from 24(r1), and who put it there."""

import pytest

from klp_debug.analysis.crash.caller_toc import judge
from klp_debug.result.report import Verdict
from klp_debug.result.unknown import Unknown
from tests.support.fake_scene import crashed, scene_of
from tests.support.fake_view import FakeKernel
from tests.support.instructions import LD_R2_24_R1, b, bl, r2_stub
from tests.support.kernel_structs import PCREL
from tests.support.sure import sure, unread


def calling() -> FakeKernel:
    """Return a kernel in which a function of ``user`` calls the patched f of ``scsi_common``."""
    kernel = FakeKernel()
    kernel.patch("first", kernel.function("f", "scsi_common"))
    caller = kernel.function("caller", "user", traced=False)
    stub = kernel.module("user").stub(kernel.functions["f"].address)
    at = caller.address + 0x20
    kernel.put_words(at, bl(at, stub), LD_R2_24_R1)
    return kernel


def judged(kernel: FakeKernel, toc: int, *, slot: int | None = None) -> Verdict | Unknown | None:
    """Crash in the caller, behind its call, with a TOC in r2 and in its frame."""
    nip = kernel.functions["caller"].address + 0x30
    task = crashed(kernel, 0, 0, nip=nip, r2=toc)
    frame = kernel.prog_u64(task.struct["thread.ksp"])
    kernel.put_u64(frame + 24, toc if slot is None else slot)
    return judge(scene_of(kernel))


def by_site(kernel: FakeKernel) -> None:
    """Let the stub that f's site calls save r2, as no stub of ftrace_caller may."""
    module = kernel.module("scsi_common")
    words = r2_stub(module.tramp, module.toc)
    module.put_stub(module.tramp, words, kernel.address("ftrace_caller"))


def by_sibling(kernel: FakeKernel) -> int:
    """Let the replacement end in a sibling call through a stub; return where that is."""
    stub = kernel.module("first").stub(kernel.function("helper", traced=False).address)
    at = kernel.functions["first_f"].address + 0x30
    kernel.put_words(at, b(at, stub))
    return at


def test_by_the_stub_of_the_site() -> None:
    kernel = calling()
    by_site(kernel)
    verdict = sure(judged(kernel, kernel.module("scsi_common").toc))
    assert (verdict.blame, verdict.id) == ("caused", "caller-toc-overwritten")
    assert verdict.what[1] == (
        "caller [user] called f [scsi_common] and took a wrong TOC back: the TOC of scsi_common."
    )
    assert verdict.what[2] == "The stub that the site of f calls put it there."
    assert f"needs {kernel.module('user').toc:#x}" in verdict.proof[0]


def test_by_a_sibling_call_of_the_replacement() -> None:
    kernel = calling()
    at = by_sibling(kernel)
    verdict = sure(judged(kernel, kernel.module("first").toc))
    assert verdict.id == "caller-toc-overwritten"
    assert "ends in a sibling call of helper" in verdict.what[2]
    assert f"at {at:#x}" in "\n".join(verdict.proof)


@pytest.mark.parametrize("owner", ["user", "scsi_common", "first"])
def test_nobody_put_it_there(owner: str) -> None:
    kernel = calling()
    assert judged(kernel, kernel.module(owner).toc) is None


def test_a_value_that_is_nobodys_toc() -> None:
    kernel = calling()
    by_site(kernel)
    assert judged(kernel, 0x1234) is None


def test_r2_that_was_not_taken_back_from_there() -> None:
    kernel = calling()
    by_site(kernel)
    assert judged(kernel, kernel.module("scsi_common").toc, slot=0) is None


def test_a_call_without_taking_the_toc_back() -> None:
    kernel = calling()
    by_site(kernel)
    kernel.put_words(kernel.functions["caller"].address + 0x24, 0x60000000)
    assert judged(kernel, kernel.module("scsi_common").toc) is None


def test_a_kernel_without_toc() -> None:
    kernel = FakeKernel(PCREL)
    crashed(kernel, nip=kernel.function("f").address)
    assert judge(scene_of(kernel)) is None


def test_text_that_cannot_be_read() -> None:
    kernel = calling()
    by_site(kernel)
    kernel.functions["caller"].lose_text()
    unread(judged(kernel, kernel.module("scsi_common").toc))


@pytest.mark.parametrize("lost", ["sections of the caller", "sections of the patch", "list of ops"])
def test_who_put_it_there_cannot_be_read(lost: str) -> None:
    """By the stub of the site it was not; a replacement's sibling call may be what did."""
    kernel = calling()
    by_sibling(kernel)
    toc = kernel.module("first").toc
    if lost == "sections of the caller":
        kernel.module("user").sections.lose()
    elif lost == "sections of the patch":
        kernel.module("first").sections.lose()
    else:
        kernel.memory.lose(kernel.klp_ops)
    unread(judged(kernel, toc))


def test_the_path_of_the_callees_site_cannot_be_read() -> None:
    kernel = calling()
    by_site(kernel)
    kernel.module("scsi_common").lose_stubs()
    unread(judged(kernel, kernel.module("scsi_common").toc))


def test_the_replacements_text_cannot_be_read() -> None:
    kernel = calling()
    by_sibling(kernel)
    kernel.functions["first_f"].lose_text()
    unread(judged(kernel, kernel.module("first").toc))


def test_registers_that_nobody_saved() -> None:
    kernel = calling()
    kernel.crash(0)
    unread(judge(scene_of(kernel)))
