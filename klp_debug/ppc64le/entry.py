# SPDX-License-Identifier: GPL-2.0-or-later
"""
What the words at a function's start say about its global and local entry point and its TOC.

ELFv2 lets a function have two entry points. At the global one r12 holds the function's own
address, and two instructions compute the TOC pointer r2 from it; callers that share the TOC
enter behind them, at the local entry point. A function with a single entry point needs no TOC,
and finds in r2 whatever its caller left there.

Source: ``ppc_function_entry()`` in arch/powerpc/include/asm/code-patching.h; the bits of
st_other in arch/powerpc/kernel/module_64.c; the ELFv2 ABI, section 2.3.2.1.
"""

import enum
from collections.abc import Sequence
from dataclasses import dataclass

from klp_debug.ppc64le.instruction import (
    ADD_R2_R2_R12,
    ADD_R2_R12_R2,
    ADDI_R2_R2,
    ADDIS_R2_R12,
    LD_R2_R12,
    LIS_R2,
    MASK64,
    OP_RT_RA_MASK,
    ds,
    is_ld,
    simm16,
)

_SETUP_BYTES = 8
LOCAL_ENTRY_SHIFT = 5
"""Where ``st_other`` has the three bits that tell the local entry: ``STO_PPC64_LOCAL_BIT``."""
LOCAL_ENTRY_NO_TOC = 1
"""What they hold where r2 is no TOC pointer."""
_LOCAL_RESERVED = 7


class TocSetup(enum.StrEnum):
    """How a function gets its TOC pointer into r2."""

    R12 = "r12"
    """
    From its own address in r12, which the caller put there.

    Either ``addis r2,r12,hi; addi r2,r2,lo``, or in modules (-mcmodel=large) as compiled
    ``ld r2,-8(r12); add r2,r2,r12``. The module loader rewrites the second to the first where
    R_PPC64_ENTRY is and the TOC is within 2 GiB (``apply_relocate_add()``).
    """
    ABSOLUTE = "absolute"
    """
    As a constant: ``lis r2,hi; addi r2,r2,lo``, which a linker makes of ``addis r2,r12``.

    It reaches no address of a 0xc000... kernel, so it is not expected in one.
    """
    PCREL = "pcrel"
    """
    Not at all: data is addressed relative to the PC, r2 is a scratch register.

    POWER10 code (CONFIG_PPC_KERNEL_PCREL, Linux kernel commit 7e3a68be42e1 ("powerpc/64: vmlinux
    support building with PCREL addresing") (in v6.4)). The words do not tell it from NONE.
    """
    NONE = "none"
    """Not at all: one entry point, no use of r2, which still is the caller's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """The entry points of one function."""

    global_entry: int
    """Its address: where calls through a pointer or a stub arrive, with r12 holding it."""
    local_entry: int
    """Where direct calls arrive that share its TOC. Often the same."""
    toc_setup: TocSetup
    toc: int | None
    """What the set-up puts in r2; None without one, or where it is in a quad not given."""
    toc_quad_address: int | None
    """
    Where ``ld r2,-8(r12)`` finds the TOC's distance from the global entry point.

    None for all other forms.
    """
    agrees_with_st_other: bool | None
    """Whether words and symbol name the same local entry point; None without a symbol."""


def _local_entry_bits(st_other: int) -> int:
    return st_other >> LOCAL_ENTRY_SHIFT & 7


def local_entry_offset(st_other: int) -> int:
    """
    Return how far a function's local entry point is behind its global one.

    This is ``PPC64_LOCAL_ENTRY_OFFSET()`` of module_64.c: bits 7 to 5 hold 0 or 1 for one entry
    point (1: r2 is not preserved, as in PC-relative code), else the logarithm of the distance.

    >>> [local_entry_offset(st_other) for st_other in (0x00, 0x20, 0x60)]
    [0, 0, 8]

    :param st_other: of the ELF symbol
    :return: in bytes
    :raises ValueError: for the reserved value 7
    """
    value = _local_entry_bits(st_other)
    if value == _LOCAL_RESERVED:
        raise ValueError(f"st_other {st_other:#x}: reserved local entry point")
    return (1 << value) >> 2 << 2


def decode_entry(
    words: Sequence[int],
    address: int,
    *,
    st_other: int | None = None,
    pcrel: bool = False,
    toc_quad: int | None = None,
) -> Entry:
    """
    Decode a function's entry points.

    Where words and symbol contradict each other, a TOC set-up in the words decides, as it does
    for ``ppc_function_entry()``; without one the symbol does, as it does for the linker and the
    module loader. Either way ``agrees_with_st_other`` is False.

    >>> entry = decode_entry((0x3C4C014C, 0x38424F00), 0xC000000000313E50, st_other=0x60)
    >>> hex(entry.local_entry), entry.toc_setup.value
    ('0xc000000000313e58', 'r12')

    :param words: the function's first words; two suffice
    :param address: of the first word, the global entry point
    :param st_other: of the function's ELF symbol, if known
    :param pcrel: whether this code has no TOC (CONFIG_PPC_KERNEL_PCREL); so it is too if
        ``st_other`` says 1. ``lis r2; addi r2`` then is a constant in a scratch register.
    :param toc_quad: the u64 at ``address - 8``, for ``ld r2,-8(r12)``
    """
    no_toc = pcrel or (st_other is not None and _local_entry_bits(st_other) == LOCAL_ENTRY_NO_TOC)
    toc_setup = _toc_setup(words, no_toc=no_toc)
    has_setup = toc_setup in (TocSetup.R12, TocSetup.ABSOLUTE)
    offset = _SETUP_BYTES if has_setup else 0
    agrees = None
    if st_other is not None:
        try:
            by_symbol = local_entry_offset(st_other)
        except ValueError:
            agrees = False
        else:
            agrees = by_symbol == offset
            offset = offset if has_setup else by_symbol
    toc_quad_address = None
    if has_setup and is_ld(words[0]):
        toc_quad_address = (address + ds(words[0])) & MASK64
    return Entry(
        global_entry=address,
        local_entry=(address + offset) & MASK64,
        toc_setup=toc_setup,
        toc=_toc(words, address, toc_quad) if has_setup else None,
        toc_quad_address=toc_quad_address,
        agrees_with_st_other=agrees,
    )


def _toc_setup(words: Sequence[int], *, no_toc: bool) -> TocSetup:
    """Recognise the two words of a TOC set-up."""
    first, second = (*words[:2], 0, 0)[:2]
    to_r2 = first & OP_RT_RA_MASK
    if second & OP_RT_RA_MASK == ADDI_R2_R2:
        if to_r2 == ADDIS_R2_R12:
            return TocSetup.R12
        if to_r2 == LIS_R2 and not no_toc:
            return TocSetup.ABSOLUTE
    elif second in (ADD_R2_R2_R12, ADD_R2_R12_R2) and to_r2 == LD_R2_R12 and is_ld(first):
        return TocSetup.R12
    return TocSetup.PCREL if no_toc else TocSetup.NONE


def _toc(words: Sequence[int], address: int, toc_quad: int | None) -> int | None:
    """Compute what a recognised set-up puts in r2."""
    first, second = words[:2]
    if is_ld(first):
        # .quad .TOC.-function, so the loader's R_PPC64_REL64 leaves a distance there.
        if toc_quad is None or ds(first) != -8:
            return None
        return (address + toc_quad) & MASK64
    base = 0 if first & OP_RT_RA_MASK == LIS_R2 else address
    return (base + (simm16(first) << 16) + simm16(second)) & MASK64
