# SPDX-License-Identifier: GPL-2.0-or-later
"""
Which compile unit a function is from, by ``.debug_aranges``.

A unit in which some functions have a site was compiled for ftrace; one without was not, or is
assembler. Source: DWARF 5, section 6.1.2.
"""

import struct

import numpy as np

from klp_debug.elf.elf_file import Section
from klp_debug.elf.format import R_PPC64_ADDR64
from klp_debug.elf.object_file import ObjectFile
from klp_debug.errors import TargetError
from klp_debug.scan.functions import Integers

_HEADER = struct.Struct("<IHIBB")
_PADDED_HEADER = 16
_OFFSET_BITS = 44
"""No section reaches 2**44 bytes."""
_RANGE = np.dtype([("start", "<u8"), ("size", "<u8")])


def units_of(obj: ObjectFile, section: Integers, offset: Integers) -> Integers | None:
    """
    Return the number of each place's compile unit; -1 where none covers it.

    :return: None if the file does not say: it has no debugging information, or packed it
    """
    debug = obj.with_debug_info
    aranges = debug.named_section(".debug_aranges")
    if aranges is None:
        return None
    try:
        data = debug.data(aranges)
        if obj.kind == "relocatable":
            data = _with_places(obj, debug, aranges, data)
        starts, sizes, units = _ranges(data)
    except TargetError:  # compressed
        return None
    if not len(starts):
        return None
    address = _addresses(obj, section, offset)
    which = np.maximum(np.searchsorted(starts, address, "right") - 1, 0)
    inside = (address >= starts[which]) & (address - starts[which] < sizes[which])
    return np.where(inside, units[which], -1)


def _addresses(obj: ObjectFile, section: Integers, offset: Integers) -> np.ndarray:
    """Return addresses; in a relocatable file, numbers by section and offset that serve as such."""
    if obj.kind == "relocatable":
        return ((section << _OFFSET_BITS) + offset).astype(np.uint64)
    bases = np.array([section.address for section in obj.sections], np.uint64)
    return np.asarray(bases[section] + offset.astype(np.uint64))


def _with_places(obj: ObjectFile, debug: ObjectFile, aranges: Section, data: bytes) -> bytes:
    """Return the table of a relocatable file with such numbers where its relocations point to."""
    rows = debug.relocations(aranges.index)
    rows = rows[(rows["type"] == R_PPC64_ADDR64) & (rows["symbol"] < len(debug.symbols))]
    section = debug.symbol_sections[rows["symbol"]].astype(np.int64)
    offset = debug.symbols["value"][rows["symbol"]].astype(np.int64) + rows["addend"]
    at = rows["offset"].astype(np.int64)
    here = obj.section_numbers_of(debug)
    # 0 of a section is where no function is, so a dropped one (section 0) hides nothing.
    inside = (section < len(here)) & (offset >= 0) & (at + 8 <= len(data)) & (at & 7 == 0)
    words = np.frombuffer(bytearray(data).ljust(len(data) + -len(data) % 8, b"\0"), "<u8")
    words[at[inside] >> 3] = _addresses(obj, here[section[inside]], offset[inside])
    return words.tobytes()[: len(data)]


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
