# SPDX-License-Identifier: GPL-2.0-or-later
"""
Many mcount sites at once, as arrays: what :mod:`klp_debug.ppc64le.site` says of one.

Every array here has shape (number of sites,), unless it says otherwise.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from klp_debug.ppc64le.instruction import B_PLUS_8, MFLR_R0, MTLR_R0, NOP, STD_R0_16_R1
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
    Dialect.PG,
)
"""What the numbers of :func:`site_dialects` stand for."""

_BRANCH_MASK = np.uint32(0xFC000003)
_BL, _B = np.uint32(0x48000001), np.uint32(0x48000000)


def branch_targets(words: Words, addresses: Addresses) -> Addresses:
    """
    Return where relative branches go; of a word that is none, the result means nothing.

    >>> words, places = np.array([0x4BD66711], np.uint32), np.array([0xC0000000002F72FC], np.uint64)
    >>> [hex(place) for place in branch_targets(words, places)]
    ['0xc00000000005da0c']
    """
    # Shifted up and down again, the 26-bit displacement gets its sign.
    displacement = ((words & np.uint32(0x03FFFFFC)) << np.uint32(6)).view(np.int32) >> 6
    return addresses + displacement.astype(np.int64).view(np.uint64)


def site_states(words: Words, dialects: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """
    Return what each site does, as an index into :data:`STATES`.

    >>> words = np.array([0x60000000, 0x4BD66711, 0], np.uint32)
    >>> [STATES[state].value for state in site_states(words, np.zeros(3, np.uint8))]
    ['idle', 'armed', 'unknown']

    :param dialects: indices into :data:`DIALECTS`; only an out-of-line site is armed by a ``b``,
        and only a PG site is idle as ``b +8``
    """
    out_of_line = dialects == DIALECTS.index(Dialect.OUT_OF_LINE)
    pg = dialects == DIALECTS.index(Dialect.PG)
    branch = words & _BRANCH_MASK
    states = np.zeros(len(words), np.uint8)
    states[(words == NOP) | (words == B_PLUS_8) & pg] = STATES.index(SiteState.IDLE)
    armed = (branch == _BL) | ((branch == _B) & out_of_line)
    states[armed] = STATES.index(SiteState.ARMED)
    return states


def site_dialects(
    second_before: Words,
    before: Words,
    from_local_entry: npt.NDArray[np.int64],
    *,
    patchable: bool,
    out_of_line: bool,
) -> npt.NDArray[np.uint8]:
    """
    Return each site's dialect, as an index into :data:`DIALECTS`.

    PG is what remains where the compiler put a call behind more than the return address's save.

    >>> before = np.array([0x7C0802A6], np.uint32)
    >>> found = site_dialects(before, before, np.array([4]), patchable=False, out_of_line=False)
    >>> [DIALECTS[dialect].value for dialect in found]
    ['mprofile-kernel (2 instructions)']

    :param second_before: the words 8 bytes before the sites
    :param before: the words 4 bytes before the sites
    :param from_local_entry: the sites' distance from their local entry points, in bytes
    :param patchable: whether the kernel was built with -fpatchable-function-entry
    :param out_of_line: whether its records have out-of-line stubs
    """
    dialects = np.zeros(len(before), np.uint8)
    if out_of_line:
        dialects[from_local_entry == 0] = DIALECTS.index(Dialect.OUT_OF_LINE)
        return dialects
    if not patchable:
        dialects[from_local_entry > 8] = DIALECTS.index(Dialect.PG)
    two = Dialect.PATCHABLE if patchable else Dialect.MPROFILE_KERNEL_2
    dialects[(from_local_entry == 4) & (before == MFLR_R0)] = DIALECTS.index(two)
    three = (second_before == MFLR_R0) & ((before == STD_R0_16_R1) | (before == NOP))
    dialects[(from_local_entry == 8) & three] = DIALECTS.index(Dialect.MPROFILE_KERNEL_3)
    return dialects


@dataclass(frozen=True, slots=True)
class OolStubs:
    """The out-of-line parts of many sites: :class:`klp_debug.ppc64le.stub.OolStub` as arrays."""

    valid: npt.NDArray[np.bool_]
    """Whether the words are such a stub; where they are not, the rest means nothing."""
    call_targets: Addresses
    sites: Addresses
    """The sites that they return behind."""


def decode_ool_stubs(words: npt.NDArray[np.uint32], addresses: Addresses) -> OolStubs:
    """
    Decode out-of-line stubs: ``mflr r0; bl X; mtlr r0; b site+4``.

    >>> words = np.array([[0x7C0802A6, 0x4BFFFFFD, 0x7C0803A6, 0x4BFFFF78]], np.uint32)
    >>> stubs = decode_ool_stubs(words, np.array([0x1080], np.uint64))
    >>> stubs.valid, [hex(site) for site in stubs.sites]
    (array([ True]), ['0x1000'])

    :param words: shape (number of stubs, 4), from ``insn[0]`` on
    :param addresses: of ``insn[0]``
    """
    save, call, restore, back = words.T
    valid = (save == MFLR_R0) & (call & _BRANCH_MASK == _BL)
    valid &= (restore == MTLR_R0) & (back & _BRANCH_MASK == _B)
    returns = branch_targets(back, addresses + np.uint64(12))
    calls = branch_targets(call, addresses + np.uint64(4))
    return OolStubs(valid, calls, returns - np.uint64(4))
