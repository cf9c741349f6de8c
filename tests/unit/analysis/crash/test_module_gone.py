# SPDX-License-Identifier: GPL-2.0-or-later
"""A crash of livepatch itself on a func_stack whose patch's module was removed."""

import pytest

from klp_debug.analysis.crash.module_gone import judge
from klp_debug.result.report import Verdict
from klp_debug.result.unknown import Unknown
from tests.support.fake_scene import crashed, scene_of
from tests.support.fake_view import FakeKernel
from tests.support.sure import sure, unread


def judged(*, nip: str | int, gone: bool = True) -> Verdict | Unknown | None:
    kernel = FakeKernel()
    kernel.variable("__vmalloc_start", "unsigned long", 0xC008000000000000)
    kernel.variable("__vmalloc_end", "unsigned long", 0xC00A000000000000)
    kernel.patch("first", kernel.function("f"))
    kernel.function("other", traced=False)
    if gone:
        kernel.unload("first")
    at = kernel.functions[nip].address + 0x20 if isinstance(nip, str) else nip
    crashed(kernel, nip=at)
    return judge(scene_of(kernel))


@pytest.mark.parametrize("nip", ["klp_ftrace_handler", 0xC008000000101000])
def test_in_the_handler_or_where_the_replacement_was(nip: str | int) -> None:
    verdict = sure(judged(nip=nip))
    assert (verdict.blame, verdict.id) == ("caused", "patch-module-gone")
    assert verdict.proof[1].startswith("f+0xc: klp_func at ")


def test_elsewhere() -> None:
    assert judged(nip="other") is None


def test_a_module_that_is_there() -> None:
    assert judged(nip="klp_ftrace_handler", gone=False) is None


def test_whether_a_func_stack_leads_to_it_cannot_be_read() -> None:
    kernel = FakeKernel()
    kernel.variable("__vmalloc_start", "unsigned long", 0xC008000000000000)
    kernel.variable("__vmalloc_end", "unsigned long", 0xC00A000000000000)
    kernel.patch("first", kernel.function("f"))
    kernel.unload("first")
    kernel.memory.lose(kernel.klp_ops)
    crashed(kernel, nip=kernel.functions["klp_ftrace_handler"].address + 0x20)
    unread(judge(scene_of(kernel)))


def test_registers_that_nobody_saved() -> None:
    kernel = FakeKernel()
    kernel.crash(0)
    unread(judge(scene_of(kernel)))
