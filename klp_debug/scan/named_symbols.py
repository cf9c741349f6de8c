# SPDX-License-Identifier: GPL-2.0-or-later
"""
The symbols of a name, counted as livepatch counts them.

Source: ``klp_find_object_symbol()`` in kernel/livepatch/core.c; the kernel's kallsyms are in the
order of addresses, a module's in that of its symbol table. On powerpc a module's .init.text stays.
"""

from dataclasses import dataclass

from klp_debug.elf.format import SHN_UNDEF
from klp_debug.elf.object_file import ObjectFile

_SECTION, _FILE = 3, 4


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedSymbol:
    """One symbol of a name."""

    position: int
    """What ``old_sympos`` calls it; 1 is the first."""
    section: int
    offset: int
    """In bytes from the section's start."""
    section_name: str
    address: int
    """In vmlinux; in a relocatable file the offset."""

    def __str__(self) -> str:
        """Return its position and place, for a user."""
        return f"{self.position}: {self.section_name} {self.address:#x}"


def symbols_named(obj: ObjectFile, name: str) -> list[NamedSymbol]:
    """Return the symbols of a name, by position."""
    found: dict[tuple[int, int], None] = {}
    for index in obj.named_symbols(name):
        section = int(obj.symbol_sections[index])
        if section == SHN_UNDEF or section >= len(obj.sections):
            continue
        if obj.symbols["info"][index] & 0xF in (_SECTION, _FILE):
            continue
        found.setdefault((section, int(obj.symbols["value"][index])))
    places = list(found)
    if obj.kind == "executable":
        places.sort(key=lambda place: place[1])
    return [
        NamedSymbol(
            position=position,
            section=section,
            offset=value - (obj.sections[section].address if obj.kind == "executable" else 0),
            section_name=obj.sections[section].name,
            address=value,
        )
        for position, (section, value) in enumerate(places, 1)
    ]


def clones_of(obj: ObjectFile, name: str) -> list[str]:
    """Return the names of a function's clones: NAME.isra.0, NAME.constprop.0 and so on."""
    return sorted(obj.names_beginning(f"{name}."))


def debug_info_knows(obj: ObjectFile, name: str) -> bool:
    """Return whether a name is among the strings of the debugging information."""
    strings = obj.named_section(".debug_str")
    if strings is None:
        return False
    return obj.contains(strings, b"\0" + name.encode() + b"\0")
