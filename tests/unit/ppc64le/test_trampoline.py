# SPDX-License-Identifier: GPL-2.0-or-later
"""
How ``ftrace_caller`` leaves.

The words are those of Debian's Linux 7.2.12, from ``mr r15,r11`` on; the order of 6.13 is that of
its source, which has ``1: mtlr r3`` behind the restore.
"""

import pytest

from klp_debug.ppc64le.trampoline import restores_r15_for_livepatch

MR_R15_R11 = 0x7D6F5B78
CMPD_R14_R3 = 0x7C2E1800
BNE_8, BNE_12 = 0x40C20008, 0x40C2000C
MR_R3_R15 = 0x7DE37B78
MTLR_R3 = 0x7C6803A6
LD_R15_168_R1 = 0xE9E100A8
LD_R3_72_R1 = 0xE8610048
BNE_HANDLER = 0x40C20040
BLR = 0x4E800020
NOP = 0x60000000

HEAD = (NOP, MR_R15_R11, 0x810B0004, 0x4E800421, 0xE8610130, CMPD_R14_R3)
TAIL = (LD_R3_72_R1, BNE_HANDLER, BLR)
MENDED = (*HEAD, BNE_8, MR_R3_R15, MTLR_R3, LD_R15_168_R1, *TAIL)
BROKEN = (*HEAD, BNE_12, MR_R3_R15, LD_R15_168_R1, MTLR_R3, *TAIL)


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
