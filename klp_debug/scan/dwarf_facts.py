# SPDX-License-Identifier: GPL-2.0-or-later
"""
What became of a function: inlined, cloned under another name, dropped, or left without a site.

``notrace`` leaves no mark of its own. The proof is that the function's unit was compiled with
sites, by the options that the compiler recorded: then it gave one to every function but those that
it was told to leave out.
"""

from pathlib import PurePath

import numpy as np

from klp_debug.elf.function_debug_info import FunctionInUnit, Unit
from klp_debug.ppc64le.site import Dialect
from klp_debug.ppc64le.site_words import DIALECTS
from klp_debug.scan import hazards
from klp_debug.scan.census import Census, FunctionKind
from klp_debug.scan.compile_units import units_of
from klp_debug.scan.hazard_log import HazardLog
from klp_debug.scan.named_symbols import NamedSymbol, clones_of, debug_info_knows

_SHOWN = 8
_OPTIONS = ("-pg", "-p", "-mprofile-kernel", "-fpatchable-function-entry")
"""Those that give a function a site; gcc records -pg as -p."""
_SITE_ENDS = {
    Dialect.MPROFILE_KERNEL_3: 12,
    Dialect.MPROFILE_KERNEL_2: 8,
    Dialect.PATCHABLE: 8,
    Dialect.OUT_OF_LINE: 4,
}
"""How far a site reaches from the local entry point, in bytes; one of -pg has no fixed place."""
_REGIONS = {".noinstr.text": "noinstr_text", ".entry.text": "entry_text"}


def note_missing(census: Census, subject: str, name: str, log: HazardLog) -> None:
    """Note that an object has no symbol of a name, and what became of the function."""
    says = [f"{census.file_name} has no symbol of that name"]
    clones = clones_of(census.obj, name)
    functions = census.debug_info.functions(name) or ()
    copies = _functions_with_copies(functions)
    if clones:
        says.append(f"but {', '.join(clones[:_SHOWN])}")
    if copies:
        cut = "" if all(function.complete for function in functions) else ", perhaps others"
        says.append(f"it is inlined into {_some(copies)}{cut}")
    elif functions and not clones:
        says.append("its debugging information knows it, but no code of it: nothing calls it")
    elif not clones and debug_info_knows(census.obj.with_debug_info, name):
        says.append("but its debugging information has the name")
    is_inlined = copies and not clones
    kind = hazards.ORIGINAL_INLINED if is_inlined else hazards.ORIGINAL_MISSING
    log.add(kind, subject, ", ".join(says))


def note_copies(
    census: Census, subject: str, name: str, symbol: NamedSymbol, log: HazardLog
) -> None:
    """Note that a function, though it is there, is inlined into others as well."""
    functions = census.debug_info.functions(name, symbol.address) or ()
    here = tuple(function for function in functions if function.start == symbol.address)
    copies = [caller for caller in _functions_with_copies(here) if caller != name]
    if copies:
        log.add(hazards.ORIGINAL_ALSO_INLINED, subject, f"into {_some(copies)}")


def _functions_with_copies(functions: tuple[FunctionInUnit, ...]) -> list[str]:
    return list(dict.fromkeys(name for function in functions for name in function.inlined_into))


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def note_without_site(
    census: Census, subject: str, symbol: NamedSymbol, function: int | None, log: HazardLog
) -> None:
    """Note that a function has no site, and which reason is proven."""
    where = f"{symbol.section_name} {symbol.address:#x}"
    if function is None:
        log.add(hazards.ORIGINAL_WITHOUT_SITE, subject, f"{where} is the start of no function")
        return
    if not len(census.sites.offset):
        what = f"{where}; {census.file_name} has no site at all"
        log.add(hazards.ORIGINAL_WITHOUT_SITE, subject, what)
        return
    if census.kinds[function] == FunctionKind.UNLISTED:
        what = f"{where}: it was compiled with a site that no list of {census.file_name} names"
        log.add(hazards.ORIGINAL_WITHOUT_SITE, subject, what)
        return
    if ".cold" in census.name(function):
        what = f"{where}: the cold part of a function, which is jumped to and not called"
        log.add(hazards.ORIGINAL_WITHOUT_SITE, subject, what)
        return
    region = _region(census, symbol.address)
    if region is not None:
        log.add(hazards.ORIGINAL_NOTRACE, subject, f"{where}, in {region}, which is not traced")
        return
    known = _debug_info(census, symbol, census.name(function))
    unit = known.unit if known is not None else census.debug_info.unit_at(symbol.address)
    why = _why(unit)
    if known is not None and _tracing_options(known.unit):
        inline = "declared inline, which makes it " if known.declared_inline else ""
        what = f"{where}: {inline}notrace, for {why}, and {_neighbours(census, function)}"
        log.add(hazards.ORIGINAL_NOTRACE, subject, what)
    elif (too_small := _too_small(census, function)) is not None:
        says = why or "nothing in the file tells why it has none"
        log.add(hazards.ORIGINAL_TOO_SMALL, subject, f"{where}: {too_small}; {says}")
    else:
        what = _without_proof(census, function) if why is None or _tracing_options(unit) else why
        log.add(hazards.ORIGINAL_WITHOUT_SITE, subject, f"{where}: {what}")


def _region(census: Census, address: int) -> str | None:
    """Return the region of vmlinux that nothing in is traced, if the address is in one."""
    obj = census.obj
    for region, name in _REGIONS.items():
        ends = [obj.named_symbols(f"__{name}_{end}") for end in ("start", "end")]
        if obj.kind == "executable" and all(ends):
            start, stop = (int(obj.symbols["value"][end[0]]) for end in ends)
            if start <= address < stop:
                return region
    return None


def _debug_info(census: Census, symbol: NamedSymbol, name: str) -> FunctionInUnit | None:
    """Return what debugging information says of a function; None if it has not just one there."""
    found = census.debug_info.functions(name, symbol.address) or ()
    here = [function for function in found if function.start == symbol.address]
    return here[0] if len(here) == 1 else None


def _tracing_options(unit: Unit | None) -> list[str]:
    words = unit.producer.split() if unit is not None else []
    return [word for word in words if word.partition("=")[0] in _OPTIONS]


def _why(unit: Unit | None) -> str | None:
    """Return what a unit's producer proves; None if that does not record its options."""
    if unit is None:
        return None
    source = "/".join(PurePath(unit.name).parts[-3:])
    options = _tracing_options(unit)
    if options:
        return f"{source} is compiled with {' '.join(options)}"
    if unit.producer.startswith("GNU AS") or source.endswith(".S"):
        return f"assembler, of {source}"
    if unit.producer.startswith("GNU C"):
        return f"{source} is compiled without ftrace, by the options that gcc recorded"
    return None


def _neighbours(census: Census, function: int) -> str:
    """Return how many functions of a function's unit have a site."""
    functions = census.functions
    units = units_of(census.obj, functions.section, functions.start)
    of_unit = units == units[function] if units is not None else np.ones(len(functions), bool)
    number, sites = int(of_unit.sum()) - 1, int((of_unit & (census.site >= 0)).sum())
    return f"{sites} of its other {number} functions have a site"


def _too_small(census: Census, function: int) -> str | None:
    """Return how a function is smaller than a site and the return behind it, if it is."""
    dialects = np.bincount(census.dialects[census.site >= 0], minlength=len(DIALECTS))
    dialect = DIALECTS[int(np.argmax(dialects))]
    end = _SITE_ENDS.get(dialect)
    size = int(census.functions.size[function])
    if end is None or not size:
        return None
    needed = int(census.functions.local_entry[function]) + end + 4
    if size >= needed:
        return None
    return f"{size} bytes, where a site ({dialect}) and a return take {needed}"


def _without_proof(census: Census, function: int) -> str:
    if not census.functions.size[function]:
        return "assembler, for its symbol has no size"
    if census.kinds[function] == FunctionKind.NOTRACE:
        return "notrace or assembler, for its neighbours have a site; nothing tells which"
    return "notrace, assembler, or compiled without ftrace; nothing tells which"
