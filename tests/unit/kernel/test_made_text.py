# SPDX-License-Identifier: GPL-2.0-or-later
"""Text that the kernel makes while it runs."""

import pytest
from drgn import FaultError

from klp_debug.kernel.made_text import MadeText, for_each_made_text
from klp_debug.kernel.walk import WalkError
from tests.support.fake_view import FakeKernel
from tests.support.kernel_structs import LINUX_4_12
from tests.support.paged_memory import PAGE

IMAGE = 0xC008000001000000


def test_a_kernel_without_any() -> None:
    assert list(for_each_made_text(FakeKernel().prog)) == []


def test_of_bpf() -> None:
    kernel = FakeKernel()
    kernel.bpf_text("bpf_prog_6deef7357e7b4530", IMAGE, 0x100)
    kernel.bpf_text("bpf_trampoline_6442484920", IMAGE + PAGE, PAGE)
    assert list(for_each_made_text(kernel.prog)) == [
        MadeText("bpf_prog_6deef7357e7b4530", IMAGE, IMAGE + 0x100),
        MadeText("bpf_trampoline_6442484920", IMAGE + PAGE, IMAGE + 2 * PAGE),
    ]


def test_of_bpf_in_old_kernels() -> None:
    kernel = FakeKernel(LINUX_4_12)
    kernel.bpf_text("bpf_prog_6deef7357e7b4530", IMAGE, 0x100)
    kernel.bpf_text("bpf_prog_0123456789abcdef", IMAGE + PAGE, 2 * PAGE)
    assert list(for_each_made_text(kernel.prog)) == [
        MadeText("bpf_prog_6deef7357e7b4530", IMAGE, IMAGE + PAGE),
        MadeText("bpf_prog_0123456789abcdef", IMAGE + PAGE, IMAGE + 3 * PAGE),
    ]


def test_of_kprobes() -> None:
    kernel = FakeKernel()
    kernel.kprobe_slots(IMAGE)
    assert list(for_each_made_text(kernel.prog)) == [
        MadeText("kprobe_insn_slot", IMAGE, IMAGE + PAGE)
    ]


def test_a_list_that_cannot_be_read() -> None:
    kernel = FakeKernel()
    first = kernel.bpf_text("bpf_prog_6deef7357e7b4530", IMAGE, 0x100)
    second = kernel.bpf_text("bpf_trampoline_6442484920", IMAGE + PAGE, PAGE)
    second.lose()
    texts = for_each_made_text(kernel.prog)
    assert next(texts).start == IMAGE
    with pytest.raises(FaultError):
        next(texts)
    kernel.link(first.at("lnode"), first.at("lnode"))
    with pytest.raises(WalkError):
        list(for_each_made_text(kernel.prog))
