# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether a function that a patch replaces is there, and can be replaced."""

from klp_debug.ppc64le.site_words import DIALECTS
from klp_debug.result.address import Address
from klp_debug.result.scan import Original
from klp_debug.scan import hazards
from klp_debug.scan.census import KIND_NAMES, Census, FunctionKind
from klp_debug.scan.dwarf_facts import note_copies, note_missing, note_without_site
from klp_debug.scan.hazard_log import HazardLog
from klp_debug.scan.module_data import KlpFunc
from klp_debug.scan.named_symbols import NamedSymbol, clones_of, symbols_named

_FREED = (".init.text", ".exit.text")
_LEAF_FIX = 4, 6
"""Since when modules have a stub for ftrace_caller that needs no r2."""
_STILL_CALLED = (".isra.", ".constprop.")
"""Clones that other functions call; a .part or .cold is the function's own."""


def check_original(
    census: Census, subject: str, func: KlpFunc, release: tuple[int, int] | None, log: HazardLog
) -> Original | None:
    """
    Return the function that a klp_func replaces, and note what speaks against it.

    :param census: of the object that the function is in
    :param subject: what users know the klp_func by
    :param release: of the kernel that the patch is for
    :return: None if livepatch would not find it
    """
    symbol = _find(census, subject, func, log)
    if symbol is None:
        return None
    obj = census.obj
    clones = [
        name
        for name in clones_of(obj, func.old_name)
        if any(part in name for part in _STILL_CALLED) and ".cold" not in name
    ]
    if clones:
        log.add(hazards.ORIGINAL_HAS_CLONES, subject, f"{census.file_name} has {', '.join(clones)}")
    function = census.functions.at(symbol.section, symbol.offset)
    if _is_freed(census, symbol):
        log.add(hazards.ORIGINAL_IN_INIT_TEXT, subject, f"it is in {symbol.section_name}")
    elif function is None or census.site[function] < 0:
        note_without_site(census, subject, symbol, function, log)
    else:
        note_copies(census, subject, func.old_name, symbol, log)
        if census.kinds[function] == FunctionKind.LEAF and not census.pcrel:
            _note_leaf(census, subject, int(census.site[function]), release, log)
    if function is None:
        return None
    site = int(census.site[function])
    return Original(
        section=symbol.section_name,
        address=Address(symbol.address),
        kind=KIND_NAMES[FunctionKind(int(census.kinds[function]))],
        toc_setup=census.toc_setup(function),
        site=site if site >= 0 else None,
        dialect=DIALECTS[census.dialects[function]].value if site >= 0 else None,
    )


def _find(census: Census, subject: str, func: KlpFunc, log: HazardLog) -> NamedSymbol | None:
    symbols = symbols_named(census.obj, func.old_name)
    places = "; ".join(map(str, symbols[:16]))
    if not symbols:
        note_missing(census, subject, func.old_name, log)
        return None
    if func.sympos > len(symbols):
        says = f"old_sympos is {func.sympos}, {census.file_name} has {places}"
        log.add(hazards.ORIGINAL_WRONG_POSITION, subject, says)
        return None
    if not func.sympos and len(symbols) > 1:
        log.add(hazards.ORIGINAL_AMBIGUOUS, subject, f"{census.file_name} has {places}")
        return None
    return symbols[max(func.sympos, 1) - 1]


def _is_freed(census: Census, symbol: NamedSymbol) -> bool:
    # A module's stay: module_frob_arch_sections() of module_64.c renames them, so that the module
    # loader does not know them.
    return census.obj.kind == "executable" and symbol.section_name.startswith(_FREED)


def _note_leaf(
    census: Census, subject: str, site: int, release: tuple[int, int] | None, log: HazardLog
) -> None:
    # The kernel's own text reaches ftrace_caller by a branch, or by stubs that need no r2.
    if census.obj.kind == "executable":
        return
    if release is not None and release < _LEAF_FIX:
        kernel = f"the patch is for Linux {release[0]}.{release[1]}"
        log.add(hazards.ORIGINAL_LEAF_CRASHES, subject, f"its site is at +{site:#x}; {kernel}")
    else:
        log.add(hazards.ORIGINAL_LEAF, subject, f"its site is at +{site:#x}, behind no TOC set-up")
