# SPDX-License-Identifier: GPL-2.0-or-later
"""Where r1 points, at each word of functions as gcc compiles them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klp_debug.ppc64le.frame import FrameState, frame_state
from tests.support.instructions import MFLR_R0, MTLR_R0, NOP, STD_R0_16_R1, STDU_R1_32, b, bl
from tests.support.strategies import words

ADDI_R1_32, ADDI_R1_MINUS_16 = 0x38210020, 0x3821FFF0
LD_R0_16_R1, LD_R0_48_R1, LD_R1_0_R1 = 0xE8010010, 0xE8010030, 0xE8210000
BLR, BEQ = 0x4E800020, 0x41820020
STB = 0x99230000
CALL, JUMP = bl(0, 0x1000), b(0, 0x1000)
IN_LR, MADE, SAVED = FrameState.IN_LR, FrameState.MADE, FrameState.SAVED

# gcc 10 takes the frame off before the store, and restores LR behind it.
EARLY = [
    (MFLR_R0, IN_LR), (STD_R0_16_R1, IN_LR), (STDU_R1_32, IN_LR), (CALL, MADE), (NOP, MADE),
    (ADDI_R1_32, MADE), (STB, SAVED), (LD_R0_16_R1, SAVED), (MTLR_R0, SAVED), (BLR, IN_LR),
]  # fmt: skip
# LR is restored first.
RESTORED = [
    (MFLR_R0, IN_LR), (STD_R0_16_R1, IN_LR), (STDU_R1_32, IN_LR), (CALL, MADE),
    (LD_R0_48_R1, MADE), (MTLR_R0, MADE), (ADDI_R1_32, MADE), (STB, IN_LR), (BLR, IN_LR),
]  # fmt: skip
# An early return, then the rest of the function, which is reached by a branch before it.
TWO_ENDS = [
    (MFLR_R0, IN_LR), (STD_R0_16_R1, IN_LR), (STDU_R1_32, IN_LR), (BEQ, MADE), (ADDI_R1_32, MADE),
    (LD_R0_16_R1, SAVED), (MTLR_R0, SAVED), (BLR, IN_LR), (CALL, MADE), (STB, MADE), (JUMP, MADE),
    (NOP, MADE),
]  # fmt: skip
# A leaf with a frame: it calls nobody, and LR is never saved.
LEAF = [(STDU_R1_32, IN_LR), (STB, MADE), (ADDI_R1_32, MADE), (STB, IN_LR), (BLR, IN_LR)]
NO_FRAME = [(MFLR_R0, IN_LR), (NOP, IN_LR), (STB, IN_LR), (BLR, IN_LR)]
BY_THE_CHAIN = [
    (MFLR_R0, IN_LR), (STD_R0_16_R1, IN_LR), (STDU_R1_32, IN_LR), (ADDI_R1_MINUS_16, MADE),
    (CALL, MADE), (LD_R1_0_R1, MADE), (STB, SAVED),
]  # fmt: skip
SHRINK_WRAPPED = [(BEQ, IN_LR), (STB, IN_LR), (BLR, IN_LR), (MFLR_R0, IN_LR), (STDU_R1_32, IN_LR)]


@pytest.mark.parametrize(
    "function", [EARLY, RESTORED, TWO_ENDS, LEAF, NO_FRAME, BY_THE_CHAIN, SHRINK_WRAPPED]
)
def test_before_each_word(function: list[tuple[int, FrameState]]) -> None:
    all_words = [word for word, _ in function]
    found = [frame_state(all_words[:index]) for index in range(len(function))]
    assert found == [state for _, state in function]


@given(st.lists(words))
def test_any_words(any_words: list[int]) -> None:
    assert frame_state(any_words) in FrameState
