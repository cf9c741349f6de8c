# SPDX-License-Identifier: GPL-2.0-or-later
import sys
from collections.abc import Iterator

import pytest
from hypothesis import given

from klp_debug.ppc64le import disassembly
from klp_debug.ppc64le.disassembly import Instruction, disassemble
from tests.support import real_words as real
from tests.support.strategies import texts, u64


def texts_of(lines: list[Instruction]) -> list[str]:
    return [f"{line.mnemonic} {line.operands}".strip() for line in lines]


@pytest.fixture
def no_capstone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(sys.modules, "capstone", None)
    disassembly._capstone.cache_clear()
    yield
    monkeypatch.undo()
    disassembly._capstone.cache_clear()


def test_the_seed_s_leaf() -> None:
    pytest.importorskip("capstone")
    lines = disassemble(real.SEED_LEAF, real.SEED_LEAF_ADDRESS)
    # The post's own listing.
    listing = (
        "mflr std bl mflr std stdu li std li mtctr li rldicl mr stbux addi stb rldicl bdnz addi "
        "ld mtlr blr nop ori"
    )
    same = {"rldicl": {"rldicl", "srdi"}}
    for line, expected in zip(lines, listing.split(), strict=True):
        assert line.mnemonic in same.get(expected, {expected})
    assert lines[2].operands == "0x2d8"
    assert lines[17].address == 0x314
    assert lines[17].operands == "0x2fc"
    assert not any(line.undecoded for line in lines)


def test_branches_of_a_module() -> None:
    lines = disassemble(real.LEAF, real.LEAF_ADDRESS)
    assert texts_of(lines)[1] == "bl 0xc008000000140640"
    conditional = disassemble((0x41820044,), real.IDLE_ADDRESS + 0x14)
    if disassembly._capstone():
        # scsi_common.ko, objdump: 1c: 44 00 82 41  beq 60 <scsi_device_type+0x58>
        assert texts_of(conditional) == [f"beq {real.IDLE_ADDRESS + 0x58:#x}"]


def test_a_prefixed_instruction_is_one_line() -> None:
    lines = disassemble(real.PCREL, real.PCREL_ADDRESS)
    assert [line.address for line in lines[3:6]] == [0x3C, 0x40, 0x48]
    pld = lines[4]
    # objdump: 40: 00 00 10 04 00 00 40 e5  pld r10,0  # 40
    assert (pld.size, pld.word, pld.suffix) == (8, 0x04100000, 0xE5400000)
    assert texts_of([pld]) == ["pld r10, 0x40"]


@pytest.mark.parametrize(
    ("listing", "text"),
    # GNU as and objdump -Mpower10; each at address 0x1000.
    [
        ("00 00 10 04 20 00 80 e5", "pld r12, 0x1020"),  # pld r12,32(0),1
        ("34 12 00 06 78 56 8c 39", "paddi r12, r12, 305419896"),
        ("12 00 10 06 56 34 80 39", "pla r12, 0x124456"),  # pla r12,1193046
        ("ff ff 03 06 fb ff 60 38", "pli r3, -5"),
        ("ff ff 03 06 f8 ff a9 80", "plwz r5, -8(r9)"),
        ("ff ff 03 04 ff ff c7 f4", "pstd r6, -1(r7)"),
        ("00 00 00 06 08 00 23 c8", "plfd f1, 8(r3)"),
        ("00 00 00 07 00 00 00 00", "pnop"),
    ],
)
def test_prefixed(listing: str, text: str) -> None:
    lines = disassemble(real.words_of(listing), 0x1000)
    assert texts_of(lines) == [text]
    assert lines[0].size == 8
    assert not lines[0].undecoded


def test_other_prefixed_instructions_show_both_words() -> None:
    # GNU as: xxspltiw vs34,1
    (line,) = disassemble(real.words_of("00 00 00 05 01 00 47 80"), 0)
    assert (line.mnemonic, line.operands) == (".long", "0x05000000, 0x80470001")
    assert line.size == 8
    assert line.undecoded


def test_pc_relative_with_a_base_register_is_invalid() -> None:
    # pld r12,32(r3) with R=1
    (line,) = disassemble((0x04100000, 0xE5830020), 0)
    assert line.undecoded


def test_what_no_one_decodes() -> None:
    lines = disassemble((0, 0x04100000), 0x1000)
    assert texts_of(lines) == [".long 0x00000000", ".long 0x04100000"]
    assert [line.size for line in lines] == [4, 4]
    assert all(line.undecoded for line in lines)


@pytest.mark.usefixtures("no_capstone")
def test_without_capstone() -> None:
    assert not disassembly._capstone()
    lines = disassemble(real.LEAF[:3], real.LEAF_ADDRESS)
    assert texts_of(lines) == [".long 0x7c0802a6", "bl 0xc008000000140640", ".long 0x39200004"]
    assert [line.undecoded for line in lines] == [True, False, True]


@given(texts, u64)
def test_covers_all_words(words: list[int], address: int) -> None:
    lines = disassemble(words, address)
    shown: list[int] = []
    for line in lines:
        assert line.size == (4 if line.suffix is None else 8)
        assert line.mnemonic
        shown.append(line.word)
        if line.suffix is not None:
            shown.append(line.suffix)
    assert shown == words
