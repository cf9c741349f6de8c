# SPDX-License-Identifier: GPL-2.0-or-later
"""
What an object file's DWARF says of functions of a name: their units, and who has them inlined.

A vmlinux has millions of entries, and reading all takes minutes. So the name is sought among the
bytes of ``.debug_info``: as the number of its string, or as itself; only units that have it are
walked, and those for a bounded time. Source: DWARF 5, sections 2.17, 3.3 and 7.5.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from elftools.dwarf.aranges import ARanges
from elftools.dwarf.compileunit import CompileUnit
from elftools.dwarf.die import DIE
from elftools.dwarf.dwarfinfo import DebugSectionDescriptor, DWARFInfo
from elftools.dwarf.typeunit import TypeUnit
from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile

from klp_debug.elf.object_file import ObjectFile

AnyUnit = CompileUnit | TypeUnit

_SECONDS = 3.0
"""For the units of one name."""
_MOST_PLACES = 4096
_MOST_UNITS = 64
_MOST_ORIGINS = 4
"""A clone's origin may be a clone; in damaged data, itself."""
_CODE_SIZES = (1, 2, 3)
"""Bytes of an entry's abbreviation code, which stands before its first attribute."""
_DW_INL_INLINED, _DW_INL_DECLARED = (1, 3), (2, 3)


@dataclass(frozen=True, slots=True)
class Unit:
    """One compile unit."""

    name: str
    """The path of its source."""
    producer: str
    """The compiler with its options, or the assembler."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionInUnit:
    """A function of the name that one unit defines."""

    unit: Unit
    start: int | None
    """Its address; in a relocatable file, bytes from its section's start. None without code."""
    inlined_into: tuple[str, ...]
    """Functions with code of their own that have a copy of it."""
    declared_inline: bool
    """Whether its source says ``inline``."""
    complete: bool
    """Whether the whole unit was looked at for such copies."""


class FunctionDebugInfo:
    """The debugging information of one object file; what was parsed is kept."""

    def __init__(self, obj: ObjectFile) -> None:
        """Prepare to look into OBJ; nothing is read yet."""
        self._obj = obj
        self._dwarf: DWARFInfo | None = None
        self._info = self._strings = b""
        self._ranges: ARanges | None = None
        self._end = 0.0

    def functions(self, name: str, at: int | None = None) -> tuple[FunctionInUnit, ...] | None:
        """
        Return the functions of a name that units define, of at most 64 units.

        :param at: address of the one that is meant: in vmlinux, only its unit is looked into
        :return: None if there is no debugging information, or it is compressed or damaged
        """
        try:
            dwarf = self._open()
            if dwarf is None:
                return None
            unit = None if at is None else self._unit_at(dwarf, at)
            return tuple(self._functions(dwarf, name.encode(), unit))
        except Exception:  # pyelftools has many for damaged DWARF, and None is the answer to all
            return None

    def unit_at(self, address: int) -> Unit | None:
        """
        Return the unit of vmlinux that has code at an address, by ``.debug_aranges``.

        :return: None if that does not say it, or cannot be read
        """
        try:
            dwarf = self._open()
            unit = None if dwarf is None else self._unit_at(dwarf, address)
            return None if unit is None else _unit(unit)
        except Exception:  # as above
            return None

    def _open(self) -> DWARFInfo | None:
        if self._dwarf is None:
            sections = [self._obj.named_section(f".debug_{one}") for one in ("info", "str")]
            if any(one is None or one.flags & SH_FLAGS.SHF_COMPRESSED for one in sections):
                return None
            elf = ELFFile(BytesIO(self._obj.with_debug_info_relocated()))
            self._dwarf = elf.get_dwarf_info(relocate_dwarf_sections=False)
            info, strings = self._dwarf.debug_info_sec, self._dwarf.debug_str_sec
            if info is None or strings is None:
                return None
            self._info, self._strings = map(_content, (info, strings))
        return self._dwarf

    def _unit_at(self, dwarf: DWARFInfo, address: int) -> AnyUnit | None:
        if self._obj.kind == "relocatable":
            return None
        if self._ranges is None:
            self._ranges = dwarf.get_aranges()
        offset = None if self._ranges is None else self._ranges.cu_offset_at_addr(address)
        return None if offset is None else dwarf.get_CU_at(offset)

    def _functions(
        self, dwarf: DWARFInfo, name: bytes, only: AnyUnit | None
    ) -> Iterator[FunctionInUnit]:
        self._end = time.monotonic() + _SECONDS
        units: dict[int, list[DIE]] = {}
        for place in self._places(name, only):
            if len(units) == _MOST_UNITS or time.monotonic() > self._end:
                break
            unit = only or dwarf.get_CU_containing(place)
            found = self._entry(unit, place, name)
            if found is not None:
                units.setdefault(unit.cu_offset, []).append(found)
        for entries in units.values():
            for entry in entries:
                yield self._describe(entry)

    def _places(self, name: bytes, unit: AnyUnit | None) -> list[int]:
        """Return where in .debug_info the name may be an attribute."""
        # A name may be the tail of other strings: each place where it ends is a candidate.
        ends = name + b"\0"
        needles = [at.to_bytes(4, "little") for at in _finds(self._strings, ends, 64)]
        needles.append(ends)
        start, end = (
            (0, len(self._info)) if unit is None else (unit.cu_offset, unit.cu_offset + unit.size)
        )
        return [
            place for one in needles for place in _finds(self._info, one, _MOST_PLACES, start, end)
        ]

    def _entry(self, unit: AnyUnit, place: int, name: bytes) -> DIE | None:
        """Return the definition of a function whose name stands at a place, if it is one."""
        for size in _CODE_SIZES:
            entry = _entry_at(unit, place - size)
            named = entry and entry.attributes.get("DW_AT_name")
            if entry and named and named.offset == place and entry.tag == "DW_TAG_subprogram":
                is_this = named.value == name
                return entry if is_this and "DW_AT_declaration" not in entry.attributes else None
        return None

    def _describe(self, entry: DIE) -> FunctionInUnit:
        unit, start = _unit(entry.cu), _start(entry)
        inline = entry.attributes.get("DW_AT_inline")
        if inline is None:
            return FunctionInUnit(
                unit=unit, start=start, inlined_into=(), declared_inline=False, complete=True
            )
        into: dict[str, None] = {}
        complete = True
        for one in _walk(entry.cu):
            if time.monotonic() > self._end:
                complete = False
                break
            if _origin(one) != entry.offset:
                continue
            if one.tag == "DW_TAG_subprogram":
                start = _start(one) if start is None else start
            elif inline.value in _DW_INL_INLINED and (around := _function_around(one)) is not None:
                into.setdefault(_name_of(around))
        declared = inline.value in _DW_INL_DECLARED
        return FunctionInUnit(
            unit=unit,
            start=start,
            inlined_into=tuple(into),
            declared_inline=declared,
            complete=complete,
        )


def _content(section: DebugSectionDescriptor) -> bytes:
    section.stream.seek(0)
    return section.stream.read()


def _entry_at(unit: AnyUnit, place: int) -> DIE | None:
    section = unit.dwarfinfo.debug_info_sec
    if section is None:
        return None
    try:
        return DIE(unit, section.stream, place)
    except Exception:  # the bytes there are no abbreviation's code
        return None


def _unit(unit: AnyUnit) -> Unit:
    top = unit.get_top_DIE()
    return Unit(_text(top, "DW_AT_name"), _text(top, "DW_AT_producer"))


def _finds(
    data: bytes, wanted: bytes, most: int, start: int = 0, end: int | None = None
) -> list[int]:
    found: list[int] = []
    at = data.find(wanted, start, end)
    while at >= 0 and len(found) < most:
        found.append(at)
        at = data.find(wanted, at + 1, end)
    return found


def _walk(unit: AnyUnit) -> Iterator[DIE]:
    return (entry for entry in unit.iter_DIEs() if not entry.is_null())


def _origin(entry: DIE) -> int | None:
    attribute = entry.attributes.get("DW_AT_abstract_origin")
    if attribute is None:
        return None
    base = entry.cu.cu_offset if attribute.form != "DW_FORM_ref_addr" else 0
    return int(attribute.value) + base


def _function_around(entry: DIE) -> DIE | None:
    """Return the function with code that an inlined one is in."""
    around = entry.get_parent()
    while around is not None and around.tag != "DW_TAG_subprogram":
        around = around.get_parent()
    return around if around is not None and _has_code(around) else None


def _has_code(entry: DIE) -> bool:
    return "DW_AT_low_pc" in entry.attributes or "DW_AT_ranges" in entry.attributes


def _start(entry: DIE) -> int | None:
    low = entry.attributes.get("DW_AT_low_pc")
    return None if low is None else int(low.value)


def _name_of(entry: DIE) -> str:
    for _ in range(_MOST_ORIGINS):
        if "DW_AT_name" in entry.attributes or "DW_AT_abstract_origin" not in entry.attributes:
            break
        entry = entry.get_DIE_from_attribute("DW_AT_abstract_origin")
    return _text(entry, "DW_AT_name")


def _text(entry: DIE, attribute: str) -> str:
    found: Any = entry.attributes.get(attribute)
    return found.value.decode("utf-8", "replace") if found is not None else ""
