# SPDX-License-Identifier: GPL-2.0-or-later
"""Functions that are not where they are called: inlined, cloned under another name, or dropped."""

from klp_debug.elf.function_debug_info import FunctionInUnit
from klp_debug.scan import hazards
from klp_debug.scan.census import Census
from klp_debug.scan.hazard_log import HazardLog
from klp_debug.scan.named_symbols import NamedSymbol, clones_of, debug_info_knows

_SHOWN = 8


def note_missing(census: Census, subject: str, name: str, log: HazardLog) -> None:
    """Note that an object has no symbol of a name, and what became of the function."""
    says = [f"{census.file_name} has no symbol of that name"]
    clones = clones_of(census.obj, name)
    functions = census.debug_info.functions(name) or ()
    copies = _functions_with_copies(functions)
    if clones:
        says.append(f"but {', '.join(clones[:_SHOWN])}")
    if copies:
        cut = "" if all(one.complete for one in functions) else ", perhaps others"
        says.append(f"it is inlined into {_some(copies)}{cut}")
    elif functions and not clones:
        says.append("its debugging information knows it, but no code of it: nothing calls it")
    elif not clones and debug_info_knows(census.obj, name):
        says.append("but its debugging information has the name")
    is_inlined = copies and not clones
    kind = hazards.ORIGINAL_INLINED if is_inlined else hazards.ORIGINAL_MISSING
    log.add(kind, subject, ", ".join(says))


def note_copies(
    census: Census, subject: str, name: str, symbol: NamedSymbol, log: HazardLog
) -> None:
    """Note that a function, though it is there, is inlined into others as well."""
    functions = census.debug_info.functions(name, symbol.address) or ()
    here = tuple(one for one in functions if one.start == symbol.address)
    copies = [one for one in _functions_with_copies(here) if one != name]
    if copies:
        log.add(hazards.ORIGINAL_ALSO_INLINED, subject, f"into {_some(copies)}")


def _functions_with_copies(functions: tuple[FunctionInUnit, ...]) -> list[str]:
    return list(dict.fromkeys(name for one in functions for name in one.inlined_into))


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
