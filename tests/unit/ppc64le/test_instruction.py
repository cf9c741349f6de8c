# SPDX-License-Identifier: GPL-2.0-or-later
from hypothesis import given
from hypothesis import strategies as st

from klp_debug.ppc64le.instruction import (
    branch_target,
    ds,
    is_b,
    is_bl,
    is_prefix,
    simm16,
    simm34,
)
from tests.support.branches import encode_branch
from tests.support.real_words import FTRACE_CALLER, MCOUNT
from tests.support.strategies import MASK64, addresses, u32, u64

MIB = 1 << 20


def test_bl_of_vmlinux() -> None:
    # objdump: c0000000002f72fc: f5 4f d6 4b  bl c00000000005c2f0 <_mcount>
    assert branch_target(0x4BD64FF5, 0xC0000000002F72FC) == MCOUNT
    assert is_bl(0x4BD64FF5)
    assert not is_b(0x4BD64FF5)


def test_bl_of_an_armed_site() -> None:
    assert branch_target(0x4BD66711, 0xC0000000002F72FC) == FTRACE_CALLER
    assert encode_branch(0xC0000000002F72FC, FTRACE_CALLER, link=True) == 0x4BD66711


def test_b_of_an_out_of_line_stub() -> None:
    # objdump: 40c: f8 fc ff 4b  b 104 <func+0x4>
    assert branch_target(0x4BFFFCF8, 0x40C) == 0x104
    assert is_b(0x4BFFFCF8)
    assert not is_bl(0x4BFFFCF8)


def test_what_is_not_a_relative_branch() -> None:
    ba, bla, beq, bctr, nop = 0x48000102, 0x48000103, 0x41820044, 0x4E800420, 0x60000000
    assert [branch_target(word, 0) for word in (ba, bla, beq, bctr, nop)] == [None] * 5


def test_reach_of_a_branch() -> None:
    at = 0xC008000000140000
    assert encode_branch(at, at - 32 * MIB, link=False) == 0x4A000000
    assert encode_branch(at, at + 32 * MIB - 4, link=True) == 0x49FFFFFD
    assert encode_branch(at, at + 32 * MIB, link=True) is None
    assert encode_branch(at, at - 32 * MIB - 4, link=True) is None
    assert encode_branch(at, at + 2, link=True) is None


def test_a_branch_wraps_around() -> None:
    assert branch_target(0x48000008, MASK64 - 3) == 4
    assert branch_target(0x4BFFFFFC, 0) == MASK64 - 3
    assert encode_branch(MASK64 - 3, 4, link=False) == 0x48000008


def test_fields() -> None:
    assert simm16(0x396B8588) == -0x7A78  # addi r11,r11,-31352
    assert simm16(0x398C5A0C) == 0x5A0C
    assert ds(0xE84CFFF8) == -8  # ld r2,-8(r12)
    assert ds(0xF821FFE1) == -32  # stdu r1,-32(r1)
    # GNU as: pli r3,-5 and paddi r12,r12,0x12345678
    assert simm34(0x0603FFFF, 0x3860FFFB) == -5
    assert simm34(0x06001234, 0x398C5678) == 0x12345678


def test_prefix() -> None:
    assert is_prefix(0x04100000)
    assert is_prefix(0x07000000)
    assert not is_prefix(0xE5800020)
    assert not is_prefix(0)


@given(addresses, st.integers(-(1 << 23), (1 << 23) - 1), st.booleans())
def test_branch_round_trip(address: int, distance: int, link: bool) -> None:
    target = (address + 4 * distance) & MASK64
    word = encode_branch(address, target, link=link)
    assert word is not None
    assert branch_target(word, address) == target
    assert is_bl(word) is link
    assert is_b(word) is not link


@given(u64, u64, st.booleans())
def test_encode_is_right_or_none(address: int, target: int, link: bool) -> None:
    word = encode_branch(address, target, link=link)
    assert word is None or branch_target(word, address) == target


@given(u32, u64)
def test_decode_round_trip(word: int, address: int) -> None:
    target = branch_target(word, address)
    if target is None:
        assert not is_b(word)
        assert not is_bl(word)
    else:
        assert encode_branch(address, target, link=is_bl(word)) == word
