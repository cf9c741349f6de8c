# SPDX-License-Identifier: GPL-2.0-or-later
"""A crash with the r15 that ftrace_caller left in Linux 6.13 to 6.15: CVE-2025-38233."""

import pytest

from klp_debug.analysis.crash.clobbered_r15 import judge
from klp_debug.result.report import Verdict
from klp_debug.result.unknown import Unknown
from tests.support.fake_scene import crashed, scene_of
from tests.support.fake_view import FakeKernel
from tests.support.kernel_structs import OUT_OF_LINE, PCREL, Build
from tests.support.sure import sure, unread
from tests.support.trampoline_words import BROKEN


def broken(build: Build = OUT_OF_LINE) -> FakeKernel:
    kernel = FakeKernel(build)
    kernel.patch("first", kernel.function("f", "scsi_common"))
    kernel.function("caller", traced=False)
    kernel.put_words(kernel.address("ftrace_caller"), *BROKEN)
    return kernel


def judged(kernel: FakeKernel, r15: int) -> Verdict | Unknown | None:
    crashed(kernel, nip=kernel.functions["caller"].address + 0x20, r15=r15)
    return judge(scene_of(kernel))


@pytest.mark.parametrize("build", [OUT_OF_LINE, PCREL])
def test_r15_leads_into_the_stub_of_a_patched_function(build: Build) -> None:
    kernel = broken(build)
    behind = kernel.functions["f"].ool_stub + 8
    verdict = sure(judged(kernel, behind))
    assert (verdict.blame, verdict.id) == ("caused", "livepatch-clobbers-r15")
    assert verdict.what[1].startswith("A call of f [scsi_common], which first replaces, ")
    assert verdict.proof[0].startswith(f"r15 = {behind:#x}: ")


def test_another_r15() -> None:
    assert judged(broken(), 0x1234) is None


def test_the_stub_of_a_function_that_nobody_patched() -> None:
    kernel = broken()
    assert judged(kernel, kernel.function("other").ool_stub + 8) is None


def test_a_kernel_that_gives_it_back() -> None:
    kernel = FakeKernel(OUT_OF_LINE)
    kernel.patch("first", kernel.function("f"))
    kernel.function("caller", traced=False)
    assert judged(kernel, kernel.functions["f"].ool_stub + 8) is None


def test_a_patch_whose_name_cannot_be_read() -> None:
    kernel = broken()
    kernel.patches[0].struct.lose()
    verdict = sure(judged(kernel, kernel.functions["f"].ool_stub + 8))
    assert ", which a patch whose name is unknown replaces, " in verdict.what[1]


@pytest.mark.parametrize("lost", ["record", "symbols", "func_stacks", "trampoline"])
def test_what_cannot_be_read(lost: str) -> None:
    kernel = broken()
    behind = kernel.functions["f"].ool_stub + 8
    if lost == "record":
        kernel.functions["f"].record.lose()
    elif lost == "symbols":
        kernel.module("scsi_common").kallsyms.lose()
    elif lost == "func_stacks":
        kernel.memory.lose(kernel.klp_ops)
    else:
        kernel.memory.lose(kernel.address("ftrace_caller"))
    unread(judged(kernel, behind))


def test_registers_that_nobody_saved() -> None:
    kernel = broken()
    kernel.crash(0)
    unread(judge(scene_of(kernel)))
