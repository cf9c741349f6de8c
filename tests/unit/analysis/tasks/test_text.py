# SPDX-License-Identifier: GPL-2.0-or-later
"""What is text, and what it is called."""

import pytest

from klp_debug.analysis.tasks.text import Text
from klp_debug.result.unknown import Unknown
from tests.support.fake_view import FakeKernel

IMAGE = 0xC008000001000000
"""In the memory that modules have, and in none of them."""


@pytest.fixture
def kernel() -> FakeKernel:
    made = FakeKernel()
    made.function("leaf", "scsi_common")
    return made


def test_what_is_text(kernel: FakeKernel) -> None:
    leaf = kernel.functions["leaf"]
    text = Text(kernel.view())
    for address in (kernel.address("_stext"), kernel.address("_etext") - 4, leaf.address + 4):
        assert text.is_text(address) is True
    data = kernel.module("scsi_common").struct.address
    for address in (kernel.address("_etext"), leaf.address + 0x40, data, IMAGE, 0):
        assert text.is_text(address) is False


def test_what_it_is_called(kernel: FakeKernel) -> None:
    leaf = kernel.functions["leaf"].address
    text = Text(kernel.view())
    assert text.symbol(leaf + 4, exact=True) == "leaf+0x4 [scsi_common]"
    assert text.symbol(leaf + 0x40, exact=False) == "leaf+0x40 [scsi_common]"
    assert text.symbol(leaf + 0x40, exact=True) is None
    assert text.symbol(IMAGE, exact=True) is None


def test_what_bpf_made(kernel: FakeKernel) -> None:
    kernel.bpf_text("bpf_trampoline_6442484920", IMAGE, 0x100)
    text = Text(kernel.view())
    assert text.is_text(IMAGE + 0x50) is True
    assert text.is_text(IMAGE + 0x100) is False
    assert text.symbol(IMAGE + 0x50, exact=False) == "bpf_trampoline_6442484920+0x50"


def test_the_modules_are_not_all_known(kernel: FakeKernel) -> None:
    """What is in no module that is known may be in one that is not; in vmlinux it cannot be."""
    kernel.bpf_text("bpf_trampoline_6442484920", IMAGE, 0x100)
    kernel.module("scsi_common").struct.lose()
    text = Text(kernel.view())
    leaf = kernel.functions["leaf"].address
    assert isinstance(text.is_text(leaf), Unknown)
    assert isinstance(text.symbol(leaf, exact=True), Unknown)
    assert text.is_text(IMAGE) is True
    assert text.symbol(IMAGE, exact=True) == "bpf_trampoline_6442484920+0x0"
    assert text.is_text(kernel.address("_stext")) is True
    assert text.is_text(0x1234) is False
    assert text.symbol(0x1234, exact=True) is None


def test_what_bpf_made_cannot_be_read(kernel: FakeKernel) -> None:
    kernel.bpf_text("bpf_trampoline_6442484920", IMAGE, 0x100).lose()
    view = kernel.view()
    text = Text(view)
    assert isinstance(text.is_text(IMAGE), Unknown)
    assert isinstance(text.symbol(IMAGE, exact=True), Unknown)
    assert text.is_text(kernel.functions["leaf"].address) is True
    assert text.is_text(0x1234) is False
    assert "text of BPF and kprobes" in [problem.where for problem in view.problems.all()]
