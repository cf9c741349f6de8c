# SPDX-License-Identifier: GPL-2.0-or-later
"""
What a function's words say about its stack frame at an address in it.

Without unwind information they are all there is. A function makes its frame at its beginning, and
takes it off before it returns, which gcc may do before the last of its stores.
"""

import enum
from collections.abc import Sequence

from klp_debug.ppc64le.instruction import (
    BCTR,
    BLR,
    OP_ADDI,
    STD_R0_16_R1,
    is_b,
    is_bl,
    makes_frame,
    primary_opcode,
    ra,
    rt,
    simm16,
)

_LD_R1_0_R1 = 0xE8210000
"""``ld r1,0(r1)``: back to the caller's frame by the back chain."""
_MTLR, _MTLR_MASK = 0x7C0803A6, 0xFC1FFFFF


class FrameState(enum.Enum):
    """Whose frame r1 points to, and where the function's return address is."""

    MADE = "its own: its caller's has the return address"
    IN_LR = "its caller's, and LR has the return address"
    SAVED = "its caller's, which has the return address: LR was used since"


def frame_state(words: Sequence[int]) -> FrameState:
    """
    Return what is to be expected behind some words of a function.

    A heuristic: all is taken to be run that lies between its beginning and the address, but for
    what ends in a branch that is always taken.

    >>> frame_state((0x7C0802A6, 0xF8010010, 0xF821FFE1)).name  # mflr; std r0,16(r1); stdu r1
    'MADE'
    >>> frame_state((0x7C0802A6, 0xF8010010, 0xF821FFE1, 0x38210020)).name  # addi r1,r1,32
    'SAVED'

    :param words: from the function's beginning up to the address
    """
    made = [index for index, word in enumerate(words) if makes_frame(word)]
    if not made:
        return FrameState.IN_LR
    exits = [index for index, word in enumerate(words) if _goes_away(word)]
    run = words[exits[-1] + 1 if exits else 0 :]
    taken_off = [index for index, word in enumerate(run) if _takes_frame_off(word)]
    if not taken_off or any(makes_frame(word) for word in run[taken_off[-1] :]):
        return FrameState.MADE
    calls = [index for index, word in enumerate(run) if is_bl(word)]
    restored = any(word & _MTLR_MASK == _MTLR for word in run[calls[-1] + 1 if calls else 0 :])
    saved = STD_R0_16_R1 in words[: made[0]]
    return FrameState.SAVED if saved and not restored else FrameState.IN_LR


def _goes_away(word: int) -> bool:
    return is_b(word) or word in (BLR, BCTR)


def _takes_frame_off(word: int) -> bool:
    if word == _LD_R1_0_R1:
        return True
    return primary_opcode(word) == OP_ADDI and rt(word) == ra(word) == 1 and simm16(word) > 0
