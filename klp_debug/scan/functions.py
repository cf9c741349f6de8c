# SPDX-License-Identifier: GPL-2.0-or-later
"""All functions of an object file, as arrays: where they are and how they begin."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from klp_debug.elf.format import STT_FUNC
from klp_debug.elf.object_file import ObjectFile
from klp_debug.ppc64le.entry_words import local_entry_offsets, set_up_toc, without_toc

Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Functions:
    """
    Functions by section and start; aliases of one address are one function.

    Every array has shape (number of functions,).
    """

    symbol: Integers
    """Index of its symbol."""
    section: Integers
    start: Integers
    """Of the global entry point, in bytes from the section's start."""
    size: Integers
    """In bytes; 0 where assembler did not say."""
    toc_setup: Flags
    local_entry: Integers
    """In bytes from the global entry point."""
    pcrel: Flags
    """Whether the symbol says that the function has no TOC (POWER10)."""

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.symbol)

    def covering(self, section: Integers, offset: Integers) -> Integers:
        """Return the function that covers each place, as an index; -1 where none does."""
        if not len(self):
            return np.full(len(section), -1, np.int64)
        found = np.searchsorted(
            _places(self.section, self.start), _places(section, offset), "right"
        )
        found -= 1
        inside = found >= 0
        one = np.maximum(found, 0)
        inside &= (self.section[one] == section) & (offset >= self.start[one])
        inside &= offset < self.start[one] + np.maximum(self.size[one], 4)
        return np.where(inside, found, -1)

    def at(self, section: int, offset: int) -> int | None:
        """Return the function whose global entry point is at a place, as an index."""
        where = np.flatnonzero((self.section == section) & (self.start == offset))
        return int(where[0]) if len(where) else None


def functions_of(obj: ObjectFile) -> Functions:
    """Return the functions in the sections of text that the file has."""
    symbols, sections = obj.symbols, obj.symbol_sections.astype(np.int64)
    text = np.array([section.is_text for section in obj.sections])
    sizes = np.array([section.size for section in obj.sections], np.uint64)
    # In vmlinux a symbol's value is an address, in a relocatable file an offset already.
    bases = np.array([section.address for section in obj.sections], np.uint64)
    known = sections < len(text)
    section_or_0 = np.where(known, sections, 0)
    if obj.kind == "relocatable":
        bases[:] = 0
    starts = symbols["value"] - bases[section_or_0]
    wanted = (symbols["info"] & 0xF == STT_FUNC) & known & text[section_or_0]
    wanted &= starts < sizes[section_or_0]
    index = np.flatnonzero(wanted)
    index = _one_a_place(index, sections[index], starts[index], symbols["size"][index])
    section = sections[index]
    start = starts[index].astype(np.int64)
    st_other = symbols["other"][index]
    first, second = (obj.words_at(section, start + step) for step in (0, 4))
    toc_setup = set_up_toc(first, second, st_other)
    return Functions(
        symbol=index,
        section=section,
        start=start,
        size=np.minimum(symbols["size"][index], sizes[section] - starts[index]).astype(np.int64),
        toc_setup=toc_setup,
        local_entry=local_entry_offsets(st_other, toc_setup),
        pcrel=without_toc(st_other),
    )


def _one_a_place(index: Integers, section: Any, start: Any, size: Any) -> Integers:
    """Return the symbols by place, of several at one the largest, and of these the first."""
    order = np.lexsort((index, -size.astype(np.int64), start, section))
    section, start = section[order], start[order]
    first = np.ones(len(order), bool)
    first[1:] = (section[1:] != section[:-1]) | (start[1:] != start[:-1])
    return np.asarray(index[order][first], np.int64)


def _places(section: Integers, offset: Integers) -> npt.NDArray[np.uint64]:
    """Return numbers in the order of (section, offset); no section reaches 2**44 bytes."""
    limit = np.int64((1 << 44) - 1)
    place = (section << 44) + np.minimum(np.maximum(offset, 0), limit)
    return np.asarray(place).astype(np.uint64)
