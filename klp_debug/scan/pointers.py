# SPDX-License-Identifier: GPL-2.0-or-later
"""The pointers in the data of a relocatable file: its relocations of 64 bits."""

from collections.abc import Iterator

import numpy as np

from klp_debug.elf.format import R_PPC64_ADDR64
from klp_debug.elf.object_file import ObjectFile

_LONGEST_STRING = 1024

SectionOffset = tuple[int, int]
"""Section and offset in it."""


class Pointers:
    """Where each pointer leads that the loader is to fill in."""

    def __init__(self, obj: ObjectFile) -> None:
        """Read the relocations of the sections of data that are loaded."""
        self._obj = obj
        self._targets: dict[SectionOffset, SectionOffset] = {}
        for section in obj.sections:
            if section.is_text or section.index == 0 or not section.is_loaded:
                continue
            rows = obj.relocations(section.index)
            for row in rows[rows["type"] == R_PPC64_ADDR64]:
                target = self._target(row)
                if target is not None:
                    self._targets[section.index, int(row["offset"])] = target
        self.pointed_to = set(self._targets.values())

    def _target(self, row: np.void) -> SectionOffset | None:
        symbol = int(row["symbol"])
        if symbol >= len(self._obj.symbols):
            return None
        section = int(self._obj.symbol_sections[symbol])
        if not 0 < section < len(self._obj.sections):
            return None
        offset = int(self._obj.symbols["value"][symbol]) + int(row["addend"])
        return (section, offset) if 0 <= offset < self._obj.sections[section].size else None

    def __contains__(self, place: SectionOffset) -> bool:
        """Return whether there is a pointer at a place."""
        return place in self._targets

    def __iter__(self) -> Iterator[tuple[SectionOffset, SectionOffset]]:
        """Yield the place and the target of each pointer."""
        return iter(self._targets.items())

    def target(self, place: SectionOffset) -> SectionOffset | None:
        """Return where the pointer at a place leads; None if it is none, or leads out of here."""
        return self._targets.get(place)

    def string(self, place: SectionOffset) -> str | None:
        """Return the string that the pointer at a place leads to."""
        target = self._targets.get(place)
        if target is None or self._obj.sections[target[0]].is_text:
            return None
        data = self._obj.data(self._obj.sections[target[0]])
        end = data.find(b"\0", target[1], target[1] + _LONGEST_STRING)
        return data[target[1] : end].decode("utf-8", "replace") if end > target[1] else None

    def number(self, place: SectionOffset) -> int:
        """Return the u64 at a place."""
        data = self._obj.data(self._obj.sections[place[0]])
        return int.from_bytes(data[place[1] : place[1] + 8], "little")
