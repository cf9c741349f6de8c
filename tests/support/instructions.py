# SPDX-License-Identifier: GPL-2.0-or-later
"""Instruction words that tests write: by the Power ISA, not by the decoders under test."""

ADDIS_R2_R12 = 0x3C4C0000
ADDI_R2_R2 = 0x38420000
NOP = 0x60000000
MFLR_R0 = 0x7C0802A6
MTLR_R0 = 0x7C0803A6
STD_R0_16_R1 = 0xF8010010
STDU_R1_32 = 0xF821FFE1
"""``stdu r1,-32(r1)``"""
STD_R2_24_R1 = 0xF8410018
LD_R2_24_R1 = 0xE8410018
LD_R12_32_R11 = 0xE98B0020
MTCTR_R12 = 0x7D8903A6
BCTR = 0x4E800420
BLR = 0x4E800020
TRAP = 0x7FE00008


def bl(at: int, to: int) -> int:
    """Return ``bl``."""
    return b(at, to) | 1


def b(at: int, to: int) -> int:
    """Return ``b``."""
    assert -0x2000000 <= to - at < 0x2000000
    return 0x48000000 | (to - at) & 0x03FFFFFC


def ha(value: int) -> int:
    """Return the high half of a signed 32-bit number, adjusted for its low half's sign."""
    return (value + 0x8000) >> 16 & 0xFFFF


def lo(value: int) -> int:
    """Return the low half."""
    return value & 0xFFFF


def set_up_toc(function: int, toc: int) -> tuple[int, int]:
    """Return ``addis r2,r12; addi r2,r2`` of a function's global entry point."""
    return ADDIS_R2_R12 | ha(toc - function), ADDI_R2_R2 | lo(toc - function)


def r2_stub(stub: int, toc: int) -> tuple[int, ...]:
    """Return an ordinary module stub, without what is behind its branch."""
    distance = stub - toc
    return (0x3D620000 | ha(distance), 0x396B0000 | lo(distance), STD_R2_24_R1, LD_R12_32_R11,
            MTCTR_R12, BCTR)  # fmt: skip


def kernel_toc_stub(paca_offset: int, distance: int) -> tuple[int, ...]:
    """
    Return a module's stub for ftrace_caller.

    :param paca_offset: of ``kernel_toc``, in bytes
    :param distance: from the kernel's TOC to the target
    """
    return (0xE98D0000 | paca_offset, 0x3D8C0000 | ha(distance), 0x398C0000 | lo(distance),
            MTCTR_R12, BCTR)  # fmt: skip


PCREL_STUB = (0x04100000, 0xE5800020, MTCTR_R12, BCTR)
"""``pld r12,32(pc); mtctr r12; bctr``: an ordinary module stub without a TOC."""


def kernel_base_stub(paca_offset: int, distance: int) -> tuple[int, ...]:
    """
    Return a module's stub for ftrace_caller where there is no TOC.

    :param paca_offset: of ``kernelbase``, in bytes
    :param distance: from the kernel's base to the target
    """
    return (0xE98D0000 | paca_offset, NOP, 0x06000000 | distance >> 16 & 0x3FFFF,
            0x398C0000 | lo(distance), MTCTR_R12, BCTR)  # fmt: skip
