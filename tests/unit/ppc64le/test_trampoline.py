# SPDX-License-Identifier: GPL-2.0-or-later
"""How ``ftrace_caller`` leaves."""

import pytest

from klp_debug.ppc64le.trampoline import restores_r15_for_livepatch
from tests.support.trampoline_words import (
    BLR,
    BROKEN,
    HEAD,
    LD_R15_168_R1,
    MENDED,
    MR_R3_R15,
    MTLR_R3,
    NOP,
    TAIL,
)


def test_as_mended() -> None:
    assert restores_r15_for_livepatch(MENDED) is True


def test_as_released_in_6_13() -> None:
    assert restores_r15_for_livepatch(BROKEN) is False


def test_a_trampoline_that_does_not_use_r15() -> None:
    assert restores_r15_for_livepatch((NOP, 0x48000001, BLR)) is None


@pytest.mark.parametrize("end", range(len(BROKEN)))
def test_cut_off_it_is_not_known(end: int) -> None:
    assert restores_r15_for_livepatch(BROKEN[:end]) is None


@pytest.mark.parametrize("end", range(len(MENDED)))
def test_cut_off_it_is_never_called_broken(end: int) -> None:
    assert restores_r15_for_livepatch(MENDED[:end]) is not False


def test_a_branch_out_of_the_words() -> None:
    far = (*HEAD, 0x40C27FFC, MR_R3_R15, MTLR_R3, LD_R15_168_R1, *TAIL)
    assert restores_r15_for_livepatch(far) is None
    back = (*HEAD, 0x40C28000, MR_R3_R15, MTLR_R3, LD_R15_168_R1, *TAIL)
    assert restores_r15_for_livepatch(back) is True
