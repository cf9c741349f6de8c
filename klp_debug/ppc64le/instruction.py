# SPDX-License-Identifier: GPL-2.0-or-later
"""
The few ppc64le instructions and fields that ftrace, live patching and their stubs are made of.

A word is an instruction as a little-endian u32. Source: arch/powerpc/include/asm/ppc-opcode.h
(``PPC_RAW_*``) and code-patching.h; the fields are those of the Power ISA 3.1.
"""

MASK64 = (1 << 64) - 1

# Whole words.
NOP = 0x60000000
"""``nop``"""
MFLR_R0 = 0x7C0802A6
"""``mflr r0``"""
MTLR_R0 = 0x7C0803A6
"""``mtlr r0``"""
MTCTR_R12 = 0x7D8903A6
"""``mtctr r12``"""
BCTR = 0x4E800420
"""``bctr``"""
BCTRL = 0x4E800421
"""``bctrl``"""
BLR = 0x4E800020
"""``blr``"""
STD_R0_16_R1 = 0xF8010010
"""``std r0,16(r1)``: the return address into the caller's frame (``PPC_INST_STD_LR``)."""
STD_R2_24_R1 = 0xF8410018
"""``std r2,24(r1)``: the TOC into the current frame, at ``R2_STACK_OFFSET``."""
LD_R2_24_R1 = 0xE8410018
"""``ld r2,24(r1)``: the TOC back, after a call through a stub (``PPC_INST_LD_TOC``)."""
LD_R12_32_R11 = 0xE98B0020
"""``ld r12,32(r11)``: a module stub's own ``funcdata``."""
ADD_R2_R2_R12 = 0x7C426214
"""``add r2,r2,r12``"""
ADD_R2_R12_R2 = 0x7C4C1214
"""``add r2,r12,r2``: the same sum."""
B_PLUS_8 = 0x48000008
"""``b +8``: how ``-pg`` without mprofile-kernel disarms a site whose TOC restore must stay."""

# Words with an immediate: compare after masking with OP_RT_RA_MASK.
OP_RT_RA_MASK = 0xFFFF0000
"""Primary opcode, RT and RA of a D-form instruction, as in code-patching.h."""
ADDIS_R2_R12 = 0x3C4C0000
"""``addis r2,r12,SI``"""
ADDI_R2_R2 = 0x38420000
"""``addi r2,r2,SI``"""
LIS_R2 = 0x3C400000
"""
``lis r2,SI``

Kernels 4.5 and 4.7 define LIS_R2 as 0x3c020000, which is ``addis r0,r2,0``.
"""
LD_R2_R12 = 0xE84C0000
"""``ld r2,DS(r12)``: also ask :func:`is_ld`, for the low bits choose between ld, ldu and lwa."""
STDU_R1_R1 = 0xF8210000
"""``stdu r1,DS(r1)``: makes a frame; also ask :func:`is_stdu`."""

# Primary opcodes.
OP_PREFIX = 1
OP_ADDI = 14
OP_ADDIS = 15
OP_LWZ = 32
OP_LD = 58
OP_STD = 62

_LI_MASK = 0x03FFFFFC
_BRANCH_MASK = 0xFC000003


def primary_opcode(word: int) -> int:
    """
    Return the primary opcode, 0 to 63.

    >>> primary_opcode(0xE98D0010)  # ld r12,16(r13)
    58
    """
    return word >> 26 & 0x3F


def rt(word: int) -> int:
    """
    Return the number of the target register RT (of a store: the source, RS).

    >>> rt(0xE98D0010)  # ld r12,16(r13)
    12
    """
    return word >> 21 & 0x1F


def ra(word: int) -> int:
    """
    Return the number of the register RA.

    >>> ra(0xE98D0010)  # ld r12,16(r13)
    13
    """
    return word >> 16 & 0x1F


def rb(word: int) -> int:
    """
    Return the number of the register RB of an X-form or XO-form instruction.

    >>> rb(0x7C426214)  # add r2,r2,r12
    12
    """
    return word >> 11 & 0x1F


def sign_extend(value: int, bits: int) -> int:
    """
    Return the low bits of a number as a signed number.

    >>> sign_extend(0xFFF8, 16), sign_extend(0x7FF8, 16)
    (-8, 32760)

    :param bits: how many bits, the highest being the sign
    """
    value &= (1 << bits) - 1
    return value - (value >> (bits - 1) << bits)


def simm16(word: int) -> int:
    """
    Return the signed immediate SI or displacement D of a D-form instruction.

    >>> simm16(0x3842FF00)  # addi r2,r2,-256
    -256
    """
    return sign_extend(word, 16)


def ds(word: int) -> int:
    """
    Return the signed displacement of a DS-form instruction (ld, std, ...), in bytes.

    >>> ds(0xE84CFFF8)  # ld r2,-8(r12)
    -8
    """
    return sign_extend(word & 0xFFFC, 16)


def is_ld(word: int) -> bool:
    """
    Return whether a word is ``ld``.

    >>> is_ld(0xE84CFFF8), is_ld(0xE84CFFF9)  # the second is ldu
    (True, False)
    """
    return primary_opcode(word) == OP_LD and word & 3 == 0


def is_std(word: int) -> bool:
    """
    Return whether a word is ``std``.

    >>> is_std(0xF8410018), is_std(0xF821FFE1)  # the second is stdu
    (True, False)
    """
    return primary_opcode(word) == OP_STD and word & 3 == 0


def is_stdu(word: int) -> bool:
    """
    Return whether a word is ``stdu``.

    >>> is_stdu(0xF821FFE1)  # stdu r1,-32(r1)
    True
    """
    return primary_opcode(word) == OP_STD and word & 3 == 1


def makes_frame(word: int) -> bool:
    """
    Return whether a word is ``stdu r1,-N(r1)``, by which a function makes its stack frame.

    >>> makes_frame(0xF821FFE1)  # stdu r1,-32(r1)
    True
    """
    return is_stdu(word) and rt(word) == ra(word) == 1 and ds(word) < 0


def is_bl(word: int) -> bool:
    """
    Return whether a word is a relative ``bl`` (``is_bl_op()`` of trace/ftrace.c).

    >>> is_bl(0x4BD66711), is_bl(0x48000008)
    (True, False)
    """
    return word & _BRANCH_MASK == 0x48000001


def is_b(word: int) -> bool:
    """
    Return whether a word is a relative, unconditional ``b`` without link (``is_b_op()``).

    >>> is_b(0x4BD66711), is_b(0x48000008)
    (False, True)
    """
    return word & _BRANCH_MASK == 0x48000000


def branch_target(word: int, address: int) -> int | None:
    """
    Return where a relative ``b`` or ``bl`` goes.

    >>> hex(branch_target(0x4BD66711, 0xC0000000002F72FC))
    '0xc00000000005da0c'
    >>> branch_target(NOP, 0xC0000000002F72FC) is None
    True

    :param address: of the word
    :return: the target, modulo 2**64; None for anything else, ``ba``, ``bla`` and conditional
        branches included
    """
    if not (is_b(word) or is_bl(word)):
        return None
    return (address + sign_extend(word & _LI_MASK, 26)) & MASK64


def is_prefix(word: int) -> bool:
    """
    Return whether a word is the first half of an 8-byte prefixed instruction (POWER10).

    Data may look like one; whether a word is an instruction at all is for the caller to know.

    >>> is_prefix(0x04100000)  # of pld r12,32(pc)
    True
    """
    return primary_opcode(word) == OP_PREFIX


def prefix_is_pc_relative(prefix: int) -> bool:
    """
    Return the R bit of an 8LS or MLS prefix: the displacement counts from the prefix.

    >>> prefix_is_pc_relative(0x04100000), prefix_is_pc_relative(0x06000000)
    (True, False)
    """
    return bool(prefix >> 20 & 1)


def simm34(prefix: int, suffix: int) -> int:
    """
    Return the signed 34-bit immediate that an 8LS or MLS prefix and its suffix share.

    >>> simm34(0x04100000, 0xE5800020)  # pld r12,32(pc)
    32
    """
    return sign_extend((prefix & 0x3FFFF) << 16 | suffix & 0xFFFF, 34)
