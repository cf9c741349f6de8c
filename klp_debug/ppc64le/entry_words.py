# SPDX-License-Identifier: GPL-2.0-or-later
"""
Many functions' entries at once, as arrays: what :mod:`klp_debug.ppc64le.entry` says of one.

Every array here has shape (number of functions,).
"""

import numpy as np
import numpy.typing as npt

from klp_debug.ppc64le.entry import LOCAL_ENTRY_NO_TOC, LOCAL_ENTRY_SHIFT
from klp_debug.ppc64le.instruction import (
    ADD_R2_R2_R12,
    ADD_R2_R12_R2,
    ADDI_R2_R2,
    ADDIS_R2_R12,
    LD_R2_R12,
    LIS_R2,
    OP_RT_RA_MASK,
)

Words = npt.NDArray[np.uint32]

_MASK = np.uint32(OP_RT_RA_MASK)
_OFFSETS = np.array([(1 << value) >> 2 << 2 for value in range(7)] + [0], np.int64)
"""``PPC64_LOCAL_ENTRY_OFFSET()`` of module_64.c; 7 is reserved, and here no offset."""


def set_up_toc(
    first: Words, second: Words, st_other: npt.NDArray[np.uint8]
) -> npt.NDArray[np.bool_]:
    """
    Return whether each function sets up its TOC at its global entry point.

    >>> first, second = np.array([[0x3C4C014C, 0x7C0802A6], [0x38424F00, 0x60000000]], np.uint32)
    >>> set_up_toc(first, second, np.array([0x60, 0], np.uint8))
    array([ True, False])

    :param first: each function's first word
    :param second: its second
    :param st_other: of its ELF symbol
    """
    no_toc = st_other >> LOCAL_ENTRY_SHIFT == LOCAL_ENTRY_NO_TOC
    to_r2 = first & _MASK
    by_sum = second & _MASK == ADDI_R2_R2
    linked = by_sum & ((to_r2 == ADDIS_R2_R12) | (to_r2 == LIS_R2) & ~no_toc)
    compiled = (to_r2 == LD_R2_R12) & (first & np.uint32(3) == 0)
    compiled &= (second == ADD_R2_R2_R12) | (second == ADD_R2_R12_R2)
    return np.asarray(linked | compiled, np.bool_)


def local_entry_offsets(
    st_other: npt.NDArray[np.uint8], toc_setup: npt.NDArray[np.bool_]
) -> npt.NDArray[np.int64]:
    """
    Return how far each local entry point is behind the global one, in bytes.

    As :func:`klp_debug.ppc64le.entry.decode_entry` does, a TOC set-up in the words decides.

    >>> local_entry_offsets(np.array([0x60, 0], np.uint8), np.array([True, False]))
    array([8, 0])
    """
    return np.where(toc_setup, np.int64(8), offsets_by_symbol(st_other))


def offsets_by_symbol(st_other: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """
    Return what each symbol says of how far its local entry point is behind the global one.

    >>> offsets_by_symbol(np.array([0x60, 0x20, 0], np.uint8))
    array([8, 0, 0])
    """
    return np.asarray(_OFFSETS[st_other >> LOCAL_ENTRY_SHIFT], np.int64)


def without_toc(st_other: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """
    Return whether each symbol says that its code has no TOC (PC-relative, POWER10).

    >>> without_toc(np.array([0x20, 0x60], np.uint8))
    array([ True, False])
    """
    return np.asarray(st_other >> LOCAL_ENTRY_SHIFT == LOCAL_ENTRY_NO_TOC)
