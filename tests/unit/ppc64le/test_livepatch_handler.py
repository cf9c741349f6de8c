# SPDX-License-Identifier: GPL-2.0-or-later
"""How ``livepatch_handler`` takes an entry off the livepatch stack."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klp_debug.ppc64le.livepatch_handler import decode_livepatch_handler
from tests.support.livepatch_handler_words import (
    EVERY_HANDLER,
    IN_LINE,
    OUT_OF_LINE,
    WIDE,
    Handler,
)
from tests.support.trampoline_words import MENDED

MAGIC = 0x57AC6E9D
"""STACK_END_MAGIC of include/uapi/linux/magic.h."""
BCTRL = 0x4E800421
BLR = 0x4E800020
LD_R2_24_BELOW_R11 = 0xE84BFFE8
ADDI_R11_MINUS_24 = 0x396BFFE8
TDNE_R12_R2 = 0x7F0C1088


@pytest.mark.parametrize("handler", EVERY_HANDLER)
def test_the_layout_is_what_the_source_says(handler: Handler) -> None:
    popped = decode_livepatch_handler(handler.words)
    assert popped is not None
    assert dataclasses.asdict(popped) == {
        "size": handler.size,
        "toc": handler.toc,
        "lr": handler.lr,
        "marker": handler.marker,
        "magic": MAGIC,
    }


def test_inside_a_trampoline() -> None:
    """It has called a callback by ``bctrl`` before, and what is behind that is no handler."""
    assert BCTRL in MENDED
    popped = decode_livepatch_handler((*MENDED, *WIDE.words))
    assert popped == decode_livepatch_handler(WIDE.words)


def test_words_that_follow_it_do_not_matter() -> None:
    popped = decode_livepatch_handler(IN_LINE.words)
    assert decode_livepatch_handler((*IN_LINE.words, *MENDED)) == popped


def test_a_trampoline_alone() -> None:
    assert decode_livepatch_handler(MENDED) is None


@pytest.mark.parametrize("handler", EVERY_HANDLER)
def test_cut_off_it_is_not_known(handler: Handler) -> None:
    for end in range(len(handler.words)):
        assert decode_livepatch_handler(handler.words[:end]) is None


def altered(word: int, to: int) -> tuple[int, ...]:
    assert OUT_OF_LINE.words.count(word) == 1
    return tuple(to if each == word else each for each in OUT_OF_LINE.words)


@pytest.mark.parametrize(
    ("word", "to"),
    [
        (ADDI_R11_MINUS_24, 0x396BFFEC),  # addi r11,r11,-20: no whole number of doublewords
        (ADDI_R11_MINUS_24, 0x396BFFF0),  # addi r11,r11,-16: the TOC is outside
        (ADDI_R11_MINUS_24, 0x396BF000),  # addi r11,r11,-4096
        (ADDI_R11_MINUS_24, 0x396B0018),  # addi r11,r11,24: nothing is taken off
        (LD_R2_24_BELOW_R11, 0xE84BFFF0),  # ld r2,-16(r11): where LR is
        (LD_R2_24_BELOW_R11, 0xE84C0000),  # ld r2,0(r12): not from the entry
        (LD_R2_24_BELOW_R11, 0xE84BFFE9),  # ldu r2,-24(r11)
        (TDNE_R12_R2, 0x60000000),  # no marker is looked at
        (TDNE_R12_R2, 0x7C8C1088),  # tdeq r12,r2
        (TDNE_R12_R2, 0x48000008),  # a branch
        (TDNE_R12_R2, 0x7F0C0088),  # tdne r12,r0, which holds nothing that is known
    ],
)
def test_what_is_not_understood(word: int, to: int) -> None:
    assert decode_livepatch_handler(altered(word, to)) is None


@given(st.lists(st.integers(0, 0xFFFFFFFF) | st.sampled_from(WIDE.words), max_size=40))
def test_whatever_the_words_an_entry_is_whole(words: list[int]) -> None:
    popped = decode_livepatch_handler((BCTRL, *words, BLR))
    if popped is not None:
        assert popped.size % 8 == 0
        places = {popped.toc, popped.lr, popped.marker}
        assert len(places) == 3
        assert all(0 <= place <= popped.size - 8 for place in places)
