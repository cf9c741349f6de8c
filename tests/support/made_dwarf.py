# SPDX-License-Identifier: GPL-2.0-or-later
"""
Debugging information made entry by entry, for a :class:`~tests.support.made_object.MadeObject`.

It is DWARF 4 as gcc writes it: in a relocatable file strings and addresses are relocations, and
the places that they are for hold zeros. Source: DWARF 4, sections 6.1.2, 7.5 and 7.6.
"""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from tests.support.made_object import ADDR32, ADDR64, ET_REL, SECTION, MadeObject

GCC = "GNU C11 12.2.0 -m64 -O2"
GCC_TRACED = "GNU C11 12.2.0 -m64 -mprofile-kernel -O2 -p"
GNU_AS = "GNU AS 2.40"

COMPILE_UNIT, SUBPROGRAM, INLINED, STRUCT, MEMBER, BASE = 0x11, 0x2E, 0x1D, 0x13, 0x0D, 0x24
NAME, BYTE_SIZE, LOW_PC, HIGH_PC, LANGUAGE, INLINE = 0x03, 0x0B, 0x11, 0x12, 0x13, 0x20
PRODUCER, ORIGIN, MEMBER_AT, DECLARATION, ENCODING, TYPE = 0x25, 0x31, 0x38, 0x3C, 0x3E, 0x49
_ADDR, _STRING, _STRP, _UDATA, _REF_ADDR, _REF4, _FLAG = 0x01, 0x08, 0x0E, 0x0F, 0x10, 0x13, 0x19

NOT_INLINED, INLINED_ONLY, DECLARED_ONLY, DECLARED_AND_INLINED = 0, 1, 2, 3
"""``DW_INL_*``"""


@dataclass(frozen=True)
class Code:
    """A place in a section of text."""

    section: int
    offset: int


@dataclass(frozen=True)
class InPlace:
    """A string that stands in the entry itself."""

    text: str


@dataclass(frozen=True)
class Far:
    """A reference to an entry that is counted from the section's start."""

    entry: "Entry"


@dataclass(frozen=True)
class Present:
    """What an attribute has that says all by being there."""


Value: TypeAlias = "str | int | InPlace | Code | Entry | Far | Present"


@dataclass(eq=False)
class Entry:
    """One entry; its attributes are in the order in which they are written."""

    tag: int
    attributes: Mapping[int, Value]
    children: "Sequence[Entry]" = ()


@dataclass
class Unit:
    """One compile unit."""

    name: str = "a.c"
    producer: str = GCC
    entries: Sequence[Entry] = ()
    ranges: Sequence[tuple[int, int, int]] = ()
    """Section, offset and size of its code, for .debug_aranges."""


def function(
    name: str | InPlace, start: Code | None = None, *children: Entry, inline: int | None = None
) -> Entry:
    """Return a function: with code from START on, or, if INLINE is given, the abstract one."""
    attributes: dict[int, Value] = {NAME: name}
    if inline is not None:
        attributes[INLINE] = inline
    if start is not None:
        attributes |= {LOW_PC: start, HIGH_PC: 16}
    return Entry(SUBPROGRAM, attributes, children)


def copy_of(origin: Entry | Far, start: Code, *children: Entry) -> Entry:
    """Return the code of an abstract function: a copy of its own, or that of a clone."""
    return Entry(SUBPROGRAM, {ORIGIN: origin, LOW_PC: start, HIGH_PC: 16}, children)


def inlined(origin: Entry | Far, *children: Entry) -> Entry:
    """Return a copy of a function inside of the one whose child it becomes."""
    return Entry(INLINED, {ORIGIN: origin}, children)


def structure(name: str, size: int, /, **offsets: int) -> Entry:
    """Return a structure whose members are u64, with their offsets in bytes."""
    number = Entry(BASE, {NAME: "u64", BYTE_SIZE: 8, ENCODING: 7})
    members = [
        Entry(MEMBER, {NAME: member, TYPE: number, MEMBER_AT: offset})
        for member, offset in offsets.items()
    ]
    return Entry(STRUCT, {NAME: name, BYTE_SIZE: size}, [number, *members])


def add_debug_info(made: MadeObject, *units: Unit, first_code: int = 1) -> None:
    """
    Give a file debugging information: .debug_info, .debug_abbrev, .debug_str and .debug_aranges.

    :param first_code: abbreviation code of the first kind of entry; from 128 on two bytes long, and
        drgn takes none but 1
    """
    writer = _Writer(made, first_code)
    for unit in units:
        writer.unit(unit)
    writer.finish()


@dataclass
class _Writer:
    made: MadeObject
    next_code: int
    info: bytearray = field(default_factory=bytearray)
    strings: bytearray = field(default_factory=lambda: bytearray(b"\0"))
    aranges: bytearray = field(default_factory=bytearray)
    codes: dict[tuple[int, bool, tuple[tuple[int, int], ...]], int] = field(default_factory=dict)
    places: dict[Entry, int] = field(default_factory=dict)
    references: list[tuple[int, Entry, int]] = field(default_factory=list)
    """Where one is written, to what, and from where it counts."""
    string_places: list[tuple[int, int]] = field(default_factory=list)
    address_places: list[tuple[int, Code]] = field(default_factory=list)
    range_places: list[tuple[int, Code]] = field(default_factory=list)

    def unit(self, unit: Unit) -> None:
        start = len(self.info)
        self.info += struct.pack("<IHIB", 0, 4, 0, 8)
        top: dict[int, Value] = {NAME: unit.name, PRODUCER: unit.producer, LANGUAGE: 12}
        self._entry(Entry(COMPILE_UNIT, top, unit.entries), start)
        struct.pack_into("<I", self.info, start, len(self.info) - start - 4)
        if unit.ranges:
            rows = len(unit.ranges) + 1
            self.aranges += struct.pack("<IHIBBxxxx", 12 + 16 * rows, 2, start, 8, 0)
            for section, offset, size in unit.ranges:
                self.range_places.append((len(self.aranges), Code(section, offset)))
                self.aranges += struct.pack("<QQ", 0, size)
            self.aranges += bytes(16)

    def _entry(self, entry: Entry, unit_start: int) -> None:
        self.places[entry] = len(self.info)
        shape = tuple((key, _form(value)) for key, value in entry.attributes.items())
        code = self.codes.setdefault((entry.tag, bool(entry.children), shape), self.next_code)
        self.next_code = max(self.next_code, code + 1)
        self.info += _uleb(code)
        for value in entry.attributes.values():
            self._value(value, unit_start)
        for child in entry.children:
            self._entry(child, unit_start)
        if entry.children:
            self.info.append(0)

    def _value(self, value: Value, unit_start: int) -> None:
        at = len(self.info)
        match value:
            case str():
                self.string_places.append((at, len(self.strings)))
                self.strings += value.encode() + b"\0"
                self.info += bytes(4)
            case int():
                self.info += _uleb(value)
            case InPlace():
                self.info += value.text.encode() + b"\0"
            case Code():
                self.address_places.append((at, value))
                self.info += bytes(8)
            case Entry():
                self.references.append((at, value, unit_start))
                self.info += bytes(4)
            case Far():
                self.references.append((at, value.entry, 0))
                self.info += bytes(4)

    def finish(self) -> None:
        for at, entry, base in self.references:
            struct.pack_into("<I", self.info, at, self.places[entry] - base)
        made = self.made
        info = made.section(".debug_info", flags=0)
        made.section(".debug_abbrev", self._abbreviations(), flags=0)
        strings = made.section(".debug_str", bytes(self.strings), flags=0)
        aranges = made.section(".debug_aranges", flags=0) if self.aranges else 0
        if made.kind == ET_REL:
            base = made.symbol("", strings, kind=SECTION)
            for at, offset in self.string_places:
                made.relocate(info, at, ADDR32, base, offset)
            self._relocate(info, self.address_places)
            self._relocate(aranges, self.range_places)
        else:
            for at, offset in self.string_places:
                struct.pack_into("<I", self.info, at, offset)
            self._fill(self.info, self.address_places)
            self._fill(self.aranges, self.range_places)
        made.fill(info, bytes(self.info))
        if aranges:
            made.fill(aranges, bytes(self.aranges))

    def _abbreviations(self) -> bytes:
        table = b""
        for (tag, has_children, shape), code in self.codes.items():
            table += _uleb(code) + _uleb(tag) + bytes([has_children])
            table += b"".join(_uleb(key) + _uleb(form) for key, form in shape) + bytes(2)
        return table + b"\0"

    def _relocate(self, section: int, places: list[tuple[int, Code]]) -> None:
        for at, code in places:
            base = self.made.symbol("", code.section, kind=SECTION)
            self.made.relocate(section, at, ADDR64, base, code.offset)

    def _fill(self, content: bytearray, places: list[tuple[int, Code]]) -> None:
        for at, code in places:
            address = self.made.address(code.section) + code.offset
            struct.pack_into("<Q", content, at, address)


def _form(value: Value) -> int:
    match value:
        case str():
            return _STRP
        case int():
            return _UDATA
        case InPlace():
            return _STRING
        case Code():
            return _ADDR
        case Entry():
            return _REF4
        case Far():
            return _REF_ADDR
    return _FLAG


def _uleb(number: int) -> bytes:
    encoded = b""
    while number > 0x7F:
        encoded += bytes([number & 0x7F | 0x80])
        number >>= 7
    return encoded + bytes([number])
