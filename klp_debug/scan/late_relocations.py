# SPDX-License-Identifier: GPL-2.0-or-later
"""
Replacements that use what livepatch relocates only when another object than theirs is patched.

``klp_apply_object_relocs()`` in kernel/livepatch/core.c fills in ``.klp.rela.OBJECT.*`` when OBJECT
is loaded; until then the place holds what the file has there. Code of -mcmodel=large reaches data
through a doubleword of .toc, so that one step is followed.
"""

from collections.abc import Iterator

from klp_debug.elf.format import RELOCATION
from klp_debug.elf.object_file import is_livepatch_section
from klp_debug.scan import hazards
from klp_debug.scan.census import Census
from klp_debug.scan.hazard_log import HazardLog
from klp_debug.scan.livepatch_relocations import object_of
from klp_debug.scan.pointers import Place, Pointers
from klp_debug.scan.site_tables import targets


class LateRelocations:
    """The places of a patch that livepatch relocates, each for one object."""

    def __init__(self, census: Census) -> None:
        """Read those of a patch."""
        self._census = census
        self._objects: dict[Place, tuple[str, str]] = {}
        obj = census.obj
        for section in obj.sections:
            for_object = object_of(section)
            if not is_livepatch_section(section) or for_object is None:
                continue
            for row in obj.rows(section, RELOCATION):
                place = section.info, int(row["offset"])
                self._objects[place] = for_object, obj.symbol_name(int(row["symbol"]))
        self._pointers = Pointers(obj) if self._objects else None

    def check(self, subject: str, in_object: str, function: int, log: HazardLog) -> None:
        """
        Note those for other objects that a replacement uses.

        :param subject: what users know the klp_func by
        :param in_object: whose function is replaced
        :param function: index of the replacement
        """
        for place in self._used_by(function):
            for_object, symbol = self._objects.get(place, (in_object, ""))
            if for_object != in_object:
                where = f"{self._census.obj.sections[place[0]].name}+{place[1]:#x}"
                name = self._census.name(function)
                evidence = f"{name} uses {where}, which is for {for_object}: {symbol}"
                log.add(hazards.KLP_RELOCATION_LATE, subject, evidence)

    def _used_by(self, function: int) -> Iterator[Place]:
        if self._pointers is None:
            return
        functions = self._census.functions
        section, start = int(functions.section[function]), int(functions.start[function])
        end = start + int(functions.size[function])
        for place in self._objects:
            if place[0] == section and start <= place[1] < end:
                yield place
        rows = self._census.obj.relocations(section)
        rows = rows[(rows["offset"] >= start) & (rows["offset"] < end)]
        for place in dict.fromkeys(map(tuple, targets(self._census.obj, rows).tolist())):
            yield place
            behind = self._pointers.target(place)
            if behind is not None:
                yield behind
