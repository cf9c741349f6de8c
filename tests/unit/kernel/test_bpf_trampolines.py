# SPDX-License-Identifier: GPL-2.0-or-later
"""The programs behind BPF's trampolines."""

import pytest
from drgn import FaultError

from klp_debug.kernel.bpf_trampolines import BpfProgram, bpf_programs_at
from tests.support.fake_probes import Probes
from tests.support.fake_view import FakeKernel

IMAGE = 0xC008000001000000


@pytest.fixture
def probes() -> Probes:
    return Probes(FakeKernel())


def test_a_kernel_without_any() -> None:
    assert bpf_programs_at(FakeKernel().prog, IMAGE) is None


def test_those_of_the_trampoline_that_is_called(probes: Probes) -> None:
    probes.trampoline(IMAGE, ("first", 3), ("", 5))
    probes.trampoline(IMAGE + 0x100, ("other", 7))
    prog = probes.kernel.prog
    first = [BpfProgram("first", 3), BpfProgram("", 5)]
    assert bpf_programs_at(prog, IMAGE) == bpf_programs_at(prog, IMAGE + 0xFC) == first
    assert bpf_programs_at(prog, IMAGE + 0x100) == [BpfProgram("other", 7)]
    assert bpf_programs_at(prog, IMAGE + 0x200) is None


def test_one_that_cannot_be_read(probes: Probes) -> None:
    probes.trampoline(IMAGE, ("first", 3)).lose()
    with pytest.raises(FaultError):
        bpf_programs_at(probes.kernel.prog, IMAGE)
