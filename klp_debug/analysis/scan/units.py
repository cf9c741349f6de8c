# SPDX-License-Identifier: GPL-2.0-or-later
"""
Which compile unit a function of vmlinux is from, by ``.debug_aranges``.

A unit in which some functions have a site was compiled for ftrace; one without was not, or is
assembler. Source: DWARF 5, section 6.1.2.
"""

import struct

import numpy as np

from klp_debug.analysis.scan.functions import Integers
from klp_debug.target.errors import TargetError
from klp_debug.target.object_file import ObjectFile

_HEADER = struct.Struct("<IHIBB")
_PADDED_HEADER = 16
_RANGE = np.dtype([("start", "<u8"), ("size", "<u8")])


def units_of(obj: ObjectFile, section: Integers, offset: Integers) -> Integers | None:
    """
    Return the number of each place's compile unit; -1 where none covers it.

    :return: None if the file does not say: a relocatable one, or one without debug information
    """
    if obj.kind == "relocatable":
        return None
    aranges = obj.named_section(".debug_aranges")
    if aranges is None:
        return None
    try:
        starts, sizes, units = _ranges(obj.data(aranges))
    except TargetError:  # compressed
        return None
    if not len(starts):
        return None
    bases = np.array([one.address for one in obj.sections], np.uint64)
    address = bases[section] + offset.astype(np.uint64)
    which = np.maximum(np.searchsorted(starts, address, "right") - 1, 0)
    inside = (address >= starts[which]) & (address - starts[which] < sizes[which])
    return np.where(inside, units[which], -1)


def _ranges(data: bytes) -> tuple[np.ndarray, np.ndarray, Integers]:
    """Return start, size and unit of every range, by start; damaged sets end the list."""
    starts, sizes, units = [], [], []
    at = number = 0
    while at + _PADDED_HEADER <= len(data):
        length, _, _, address_size, segment_size = _HEADER.unpack_from(data, at)
        end = at + 4 + length
        if address_size != 8 or segment_size or not at + _PADDED_HEADER <= end <= len(data):
            break
        count = (end - at - _PADDED_HEADER) // _RANGE.itemsize
        ranges = np.frombuffer(data, _RANGE, count, at + _PADDED_HEADER)
        ranges = ranges[ranges["size"] != 0]
        starts.append(ranges["start"])
        sizes.append(ranges["size"])
        units.append(np.full(len(ranges), number, np.int64))
        at, number = end, number + 1
    if not starts:
        return np.empty(0, np.uint64), np.empty(0, np.uint64), np.empty(0, np.int64)
    start, size, unit = np.concatenate(starts), np.concatenate(sizes), np.concatenate(units)
    order = np.argsort(start, kind="stable")
    return start[order], size[order], unit[order]
