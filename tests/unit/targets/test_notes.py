# SPDX-License-Identifier: GPL-2.0-or-later
"""Notes of a dump, of either byte order, cut short and damaged."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klp_debug.targets.notes import ByteOrder, prstatus_notes
from tests.support.made_core import prstatus_note

VALUES = [*range(100, 132), 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]


@pytest.mark.parametrize("order", ["<", ">"])
def test_reads_notes_of_either_byte_order(order: ByteOrder) -> None:
    other = struct.pack(f"{order}III", 5, 3, 2) + b"CORE\0\0\0\0" + b"abc\0"
    data = other + prstatus_note(VALUES, order) + other + prstatus_note(VALUES[::-1], order)
    first, second = prstatus_notes(data, order)
    assert first.gpr == tuple(range(100, 132))
    assert (first.nip, first.msr, first.ctr, first.link) == (1, 2, 4, 5)
    assert (first.xer, first.ccr, first.trap, first.dar, first.dsisr) == (6, 7, 9, 10, 11)
    assert second.gpr[0] == 12


def test_ends_at_an_end_mark_and_at_a_note_cut_short() -> None:
    note = prstatus_note(VALUES)
    assert len(list(prstatus_notes(note + bytes(12) + note, "<"))) == 1
    assert len(list(prstatus_notes(note + note[:-1], "<"))) == 1
    assert list(prstatus_notes(b"", "<")) == []


def test_passes_over_the_note_of_another_owner() -> None:
    assert list(prstatus_notes(prstatus_note(VALUES, name=b"LINUX"), "<")) == []


@given(st.binary(max_size=1200), st.integers(0, 1200))
def test_ends_whatever_the_notes_are(noise: bytes, at: int) -> None:
    whole = prstatus_note(VALUES) * 2
    for order in ("<", ">"):
        list(prstatus_notes(noise, order))
        list(prstatus_notes(whole[:at] + noise + whole[at:], order))
