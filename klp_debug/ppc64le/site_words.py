# SPDX-License-Identifier: GPL-2.0-or-later
"""
Many mcount sites at once, as arrays: what :mod:`klp_debug.ppc64le.site` says of one.

Every array here has shape (number of sites,).
"""

import numpy as np
import numpy.typing as npt

from klp_debug.ppc64le.instruction import B_PLUS_8, MFLR_R0, NOP, STD_R0_16_R1
from klp_debug.ppc64le.site import Dialect, SiteState

Words = npt.NDArray[np.uint32]
Addresses = npt.NDArray[np.uint64]

STATES = (SiteState.UNKNOWN, SiteState.IDLE, SiteState.ARMED)
"""What the numbers of :func:`site_states` stand for."""
DIALECTS = (
    Dialect.UNKNOWN,
    Dialect.MPROFILE_KERNEL_3,
    Dialect.MPROFILE_KERNEL_2,
    Dialect.PATCHABLE,
    Dialect.OUT_OF_LINE,
)
"""What the numbers of :func:`site_dialects` stand for."""

_BRANCH_MASK = np.uint32(0xFC000003)
_BL, _B = np.uint32(0x48000001), np.uint32(0x48000000)


def branch_targets(words: Words, addresses: Addresses) -> Addresses:
    """Return where relative branches go; of a word that is none, the result means nothing."""
    # Shifted up and down again, the 26-bit displacement gets its sign.
    displacement = ((words & np.uint32(0x03FFFFFC)) << np.uint32(6)).view(np.int32) >> 6
    return addresses + displacement.astype(np.int64).view(np.uint64)


def site_states(words: Words, dialects: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """
    Return what each site does, as an index into :data:`STATES`.

    :param dialects: indices into :data:`DIALECTS`; only an out-of-line site is armed by a ``b``
    """
    out_of_line = dialects == DIALECTS.index(Dialect.OUT_OF_LINE)
    branch = words & _BRANCH_MASK
    states = np.zeros(len(words), np.uint8)
    states[(words == NOP) | (words == B_PLUS_8) & ~out_of_line] = STATES.index(SiteState.IDLE)
    armed = (branch == _BL) | ((branch == _B) & out_of_line)
    states[armed] = STATES.index(SiteState.ARMED)
    return states


def site_dialects(
    second_before: Words,
    before: Words,
    from_local_entry: npt.NDArray[np.int64],
    *,
    patchable: bool,
) -> npt.NDArray[np.uint8]:
    """
    Return each site's dialect, as an index into :data:`DIALECTS`.

    :param second_before: the words 8 bytes before the sites
    :param before: the words 4 bytes before the sites
    :param from_local_entry: the sites' distance from their local entry points, in bytes
    :param patchable: whether the kernel was built with -fpatchable-function-entry
    """
    dialects = np.zeros(len(before), np.uint8)
    two = Dialect.PATCHABLE if patchable else Dialect.MPROFILE_KERNEL_2
    dialects[(from_local_entry == 4) & (before == MFLR_R0)] = DIALECTS.index(two)
    three = (second_before == MFLR_R0) & ((before == STD_R0_16_R1) | (before == NOP))
    dialects[(from_local_entry == 8) & three] = DIALECTS.index(Dialect.MPROFILE_KERNEL_3)
    dialects[from_local_entry == 0] = DIALECTS.index(Dialect.OUT_OF_LINE)
    return dialects
