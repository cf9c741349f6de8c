# SPDX-License-Identifier: GPL-2.0-or-later
"""
Relocations that livepatch itself applies: ``.klp.rela.OBJECT.SECTION`` and ``.klp.sym.*`` symbols.

Two things are checked: whether livepatch will apply each, and whether a replacement uses one before
it is applied. ``klp_apply_object_relocs()`` fills in ``.klp.rela.OBJECT.*`` when OBJECT is loaded;
until then the place holds what the file has there. Code of -mcmodel=large reaches data through a
doubleword of .toc, so that one step is followed.

Source: ``klp_apply_object_relocs()``, ``klp_resolve_symbols()`` and ``klp_write_section_relocs()``
in kernel/livepatch/core.c; Documentation/livepatch/module-elf-format.rst.
"""

import re
from collections.abc import Callable, Iterator

import numpy as np
from elftools.elf.enums import ENUM_RELOC_TYPE_PPC64

from klp_debug.elf.elf_file import Section, is_livepatch_section
from klp_debug.elf.format import R_PPC64_REL24, RELOCATION, SHN_LIVEPATCH
from klp_debug.elf.object_file import ObjectFile
from klp_debug.result.text import plural
from klp_debug.scan import hazards
from klp_debug.scan.census import Census
from klp_debug.scan.hazard_log import HazardLog
from klp_debug.scan.named_symbols import symbols_named
from klp_debug.scan.pointers import Pointers, SectionOffset
from klp_debug.scan.site_table import targets

_SECTION = re.compile(r"\.klp\.rela\.([^.]{1,55})\..+", re.DOTALL)
_SYMBOL = re.compile(r"\.klp\.sym\.([^.]{1,55})\.([^,]{1,511}),(\d+)\s*")
_NUMBERED = re.compile(r".+\.\d+")
_CLONE = re.compile(r".+\.(isra|constprop|part|cold|llvm)(\.\d+)?")
_TYPE_NAMES = {number: name for name, number in ENUM_RELOC_TYPE_PPC64.items()}
_TYPE_NAMES.setdefault(132, "R_PPC64_PCREL34")
_RELOADS = 6, 3
"""
Linux kernel commit 37251c7114e1 ("powerpc/module_64: Fix "expected nop" error on module
re-patching") (in v6.3).
"""
_MOST = 4096
"""Relocations of a section that are looked at."""
_TO_16_BITS = {47, 63, 249}
"""TOC16, TOC16_DS, REL16: out of reach of any other object."""
_TO_34_BITS = {26, 48, 49, 50, 64, 132, 250, 251, 252}
"""REL32, the other TOC16 and REL16, PCREL34: modules may be so near, never vmlinux."""


def object_of(section: Section) -> str | None:
    """Return the object for which livepatch applies a section's relocations, by its name."""
    named = _SECTION.fullmatch(section.name)
    return None if named is None else named[1]


def check_livepatch_relocations(
    obj: ObjectFile, object_named: Callable[[str], Census | None], log: HazardLog
) -> None:
    """
    Note the relocations that livepatch will refuse, or get wrong.

    :param obj: a livepatch module
    :param object_named: returns vmlinux or a module of that name, if it was given
    """
    for section in obj.sections:
        if not is_livepatch_section(section):
            continue
        for_object = object_of(section)
        if for_object is None:
            _refuse(log, section, "", "the section's name is not .klp.rela.OBJECT.SECTION")
            continue
        rows = obj.rows(section, RELOCATION)
        for row in rows[:_MOST]:
            _check(obj, section, for_object, row, object_named, log)


def check_reloads(obj: ObjectFile, release: tuple[int, int] | None, log: HazardLog) -> None:
    """
    Note the modules that cannot be loaded again once they were unloaded under the patch.

    The loader expects a nop behind each call that it relocates, and finds its own restore of r2 of
    the first time.

    :param release: of the kernel that the patch is for; None if it does not say
    """
    if release is None or release >= _RELOADS:
        return
    calls: dict[str, int] = {}
    for section in obj.sections:
        for_object = object_of(section) if is_livepatch_section(section) else None
        if for_object is not None and for_object != "vmlinux":
            number = int((obj.rows(section, RELOCATION)["type"] == R_PPC64_REL24).sum())
            calls[for_object] = calls.get(for_object, 0) + number
    for for_object, number in calls.items():
        if number:
            called = plural(number, "call")
            says = f"livepatch relocates {called} for it; the patch is for Linux"
            log.add(hazards.OBJECT_RELOAD_REFUSED, for_object, f"{says} {release[0]}.{release[1]}")


def looked_up(obj: ObjectFile) -> dict[str, set[str]]:
    """Return the names of the symbols that livepatch is to find, by the object that has them."""
    found: dict[str, set[str]] = {}
    for number in np.flatnonzero(obj.symbol_sections == SHN_LIVEPATCH)[:_MOST].tolist():
        if parts := _SYMBOL.fullmatch(obj.symbol_name(number)):
            found.setdefault(parts[1], set()).add(parts[2])
    return found


def is_numbered(name: str) -> bool:
    """
    Return whether a name looks like that of a static local variable, which the compiler numbers.

    >>> is_numbered("__key.12345"), is_numbered("f.isra.0")
    (True, False)
    """
    return bool(_NUMBERED.fullmatch(name)) and not _CLONE.fullmatch(name)


def _check(
    obj: ObjectFile,
    section: Section,
    for_object: str,
    row: np.void,
    object_named: Callable[[str], Census | None],
    log: HazardLog,
) -> None:
    number = int(row["symbol"])
    name = obj.symbol_name(number)
    if number >= len(obj.symbols) or int(obj.symbol_sections[number]) != SHN_LIVEPATCH:
        _refuse(log, section, name, "the symbol is not marked as a livepatch symbol")
        return
    parts = _SYMBOL.fullmatch(name)
    if parts is None:
        _refuse(log, section, name, "the symbol's name is not .klp.sym.OBJECT.NAME,POSITION")
        return
    in_object, wanted, position = parts[1], parts[2], int(parts[3][:20])
    if in_object == "vmlinux" != for_object:
        _refuse(log, section, name, f"a relocation for {for_object} may not use one of vmlinux")
    kind = int(row["type"])
    if kind in _TO_16_BITS or (kind in _TO_34_BITS and in_object == "vmlinux"):
        what = f"{_TYPE_NAMES.get(kind, kind)} at +{int(row['offset']):#x}"
        log.add(hazards.KLP_RELOCATION_OUT_OF_RANGE, f"{section.name} {name}", what)
    if wanted in (".TOC.", ".toc", "TOC.") or wanted.startswith(".LC"):
        log.add(hazards.KLP_TOC_SYMBOL, name, f"in {section.name}")
        return
    census = object_named(in_object)
    if census is not None:
        _check_symbol(census, name, wanted, position, log)


def _check_symbol(census: Census, name: str, wanted: str, position: int, log: HazardLog) -> None:
    found = symbols_named(census.obj, wanted)
    if not found:
        log.add(hazards.KLP_SYMBOL_NOT_FOUND, name, f"{census.obj.path.name} has none of that name")
    elif position > len(found) or (not position and len(found) > 1):
        places = "; ".join(map(str, found[:16]))
        log.add(hazards.KLP_SYMBOL_NOT_FOUND, name, f"{census.obj.path.name} has {places}")


def _refuse(log: HazardLog, section: Section, symbol: str, rule: str) -> None:
    log.add(hazards.KLP_RELOCATION_REFUSED, f"{section.name} {symbol}".strip(), rule)


class LateRelocations:
    """The places of a patch that livepatch relocates, each for one object."""

    def __init__(self, census: Census) -> None:
        """Read those of a patch."""
        self._census = census
        self._objects: dict[SectionOffset, tuple[str, str]] = {}
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

    def _used_by(self, function: int) -> Iterator[SectionOffset]:
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
