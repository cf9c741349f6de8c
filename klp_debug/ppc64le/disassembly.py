# SPDX-License-Identifier: GPL-2.0-or-later
"""
Words as a reader wants to see them.

Mnemonics are capstone's, and for what capstone does not know our own.
capstone 5 knows no instruction of POWER10 and would decode the second half of a prefixed one as
something else; so those are told apart first. Without capstone every word still is listed.
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from klp_debug.ppc64le.instruction import (
    MASK64,
    branch_target,
    is_bl,
    is_prefix,
    prefix_is_pc_relative,
    primary_opcode,
    ra,
    rt,
    simm34,
)

_PNOP = 0x07000000
# All of a prefix but R and the immediate: MLS or 8LS and nothing reserved.
_PREFIX_MASK = 0xFFEC0000
_MLS = 0x06000000
_8LS = 0x04000000
_PADDI = (_MLS, 14)
_PREFIXED = {
    _PADDI: ("paddi", "r"),
    (_MLS, 32): ("plwz", "r"),
    (_MLS, 34): ("plbz", "r"),
    (_MLS, 36): ("pstw", "r"),
    (_MLS, 38): ("pstb", "r"),
    (_MLS, 40): ("plhz", "r"),
    (_MLS, 42): ("plha", "r"),
    (_MLS, 44): ("psth", "r"),
    (_MLS, 48): ("plfs", "f"),
    (_MLS, 50): ("plfd", "f"),
    (_MLS, 52): ("pstfs", "f"),
    (_MLS, 54): ("pstfd", "f"),
    (_8LS, 41): ("plwa", "r"),
    (_8LS, 57): ("pld", "r"),
    (_8LS, 61): ("pstd", "r"),
}
"""Prefix and suffix opcode -> mnemonic, kind of register. Power ISA 3.1, appendix of opcodes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    """One line of a disassembly."""

    address: int
    word: int
    size: int
    """In bytes: 4, or 8 if prefixed."""
    suffix: int | None
    """The second word of a prefixed instruction."""
    mnemonic: str
    operands: str
    """Empty, or separated by ``", "``. Targets and PC-relative addresses are absolute, in hex."""
    undecoded: bool
    """Whether mnemonic and operands only repeat the words, as ``.long``."""


def disassemble(words: Sequence[int], address: int) -> list[Instruction]:
    """
    Disassemble words.

    >>> for line in disassemble((0x4BD66711,), 0xC0000000002F72FC):
    ...     print(line.mnemonic, line.operands)
    bl 0xc00000000005da0c

    :param words: instructions; data among them may look like some
    :param address: of the first word
    :return: one item an instruction; together they cover all words
    """
    lines: list[Instruction] = []
    index = 0
    while index < len(words):
        here = (address + 4 * index) & MASK64
        if is_prefix(words[index]) and index + 1 < len(words):
            lines.append(_prefixed(words[index], words[index + 1], here))
            index += 2
        else:
            lines.append(_plain(words[index], here))
            index += 1
    return lines


def _plain(word: int, address: int) -> Instruction:
    """Disassemble an instruction of one word."""
    target = branch_target(word, address)
    if target is None:
        text = _by_capstone(word, address)
    else:
        text = "bl" if is_bl(word) else "b", f"{target:#x}"
    mnemonic, operands = text or (".long", f"{word:#010x}")
    return Instruction(
        address=address,
        word=word,
        size=4,
        suffix=None,
        mnemonic=mnemonic,
        operands=operands,
        undecoded=text is None,
    )


def _prefixed(prefix: int, suffix: int, address: int) -> Instruction:
    """Disassemble an instruction of two words."""
    text = _prefixed_text(prefix, suffix, address)
    mnemonic, operands = text or (".long", f"{prefix:#010x}, {suffix:#010x}")
    return Instruction(
        address=address,
        word=prefix,
        size=8,
        suffix=suffix,
        mnemonic=mnemonic,
        operands=operands,
        undecoded=text is None,
    )


def _prefixed_text(prefix: int, suffix: int, address: int) -> tuple[str, str] | None:
    """Return mnemonic and operands of the common prefixed instructions."""
    if prefix == _PNOP:
        return "pnop", ""
    operation = prefix & _PREFIX_MASK, primary_opcode(suffix)
    relative = prefix_is_pc_relative(prefix)
    if operation not in _PREFIXED or (relative and ra(suffix)):
        return None
    mnemonic, kind = _PREFIXED[operation]
    register = f"{kind}{rt(suffix)}"
    displacement = simm34(prefix, suffix)
    if relative:
        target = f"{(address + displacement) & MASK64:#x}"
        return "pla" if operation == _PADDI else mnemonic, f"{register}, {target}"
    if operation != _PADDI:
        base = f"r{ra(suffix)}" if ra(suffix) else "0"
        return mnemonic, f"{register}, {displacement}({base})"
    if ra(suffix) == 0:
        return "pli", f"{register}, {displacement}"
    return mnemonic, f"{register}, r{ra(suffix)}, {displacement}"


def _by_capstone(word: int, address: int) -> tuple[str, str] | None:
    """Return mnemonic and operands, or None if capstone is absent or does not know the word."""
    capstone = _capstone()
    if capstone is None:
        return None
    code = word.to_bytes(4, "little")
    for _, _, mnemonic, operands in capstone.disasm_lite(code, address, 1):
        return str(mnemonic), str(operands)
    return None


@functools.cache
def _capstone() -> Any | None:
    """Return capstone's disassembler for ppc64le, or None if it is not installed."""
    try:
        from capstone import CS_ARCH_PPC, CS_MODE_64, CS_MODE_LITTLE_ENDIAN, Cs, CsError
    except ImportError:
        return None
    try:
        return Cs(CS_ARCH_PPC, CS_MODE_64 | CS_MODE_LITTLE_ENDIAN)
    except CsError:
        # A capstone built without this architecture.
        return None
