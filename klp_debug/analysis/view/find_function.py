# SPDX-License-Identifier: GPL-2.0-or-later
"""Finds the function that a user means by a name or an address."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from drgn import FaultError

from klp_debug.errors import CommandError
from klp_debug.kernel.symbols import ALIASES, KernelSymbol, KernelSymbols
from klp_debug.result.text import plural, quoted
from klp_debug.result.unknown import Unknown
from klp_debug.targets.translation import PAGE_OFFSET


class FunctionNotFoundError(CommandError):
    """What the user named is no function, or several; the message says which, in one sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionName:
    """What a user wrote of a function by its name."""

    name: str
    module: str | None
    """None if any object will do."""
    position: int | None
    """As sympos counts, from 1; None if the function must be the only one."""
    offset: int
    """Bytes behind the function's beginning that were written as well."""


_SHAPE = re.compile(
    r"(?:(?P<before>[^:\s]+):)?(?P<name>[^:\s,@+\[]+)(?:(?P<sign>[@,])(?P<position>[^+\[\s]*))?"
    r"(?:\+0x(?P<offset>[0-9a-fA-F]{1,8})(?:/0x[0-9a-fA-F]+)?)?(?:\s*\[(?P<behind>[^\]\s]+)\])?"
)


def kernel_name(module: str) -> str:
    """
    Return the name that the kernel has for a module, and for a patch by its module.

    >>> kernel_name("kpatch-cve-2026")
    'kpatch_cve_2026'
    """
    return module.replace("-", "_")


def parse_name(spec: str) -> FunctionName:
    """
    Take apart how a user named a function.

    ``NAME``, ``MODULE:NAME``, ``NAME@N`` or, as sysfs and livepatch have it, ``NAME,N``; and as the
    kernel prints it in a trace, ``NAME+0x1c/0x130 [MODULE]``. In a module's name ``-`` is ``_``.

    >>> parse_name("int_to_scsilun+0x4/0x38 [scsi_common]").module
    'scsi_common'

    :raises FunctionNotFoundError: if it is nothing of the kind
    """
    match = _SHAPE.fullmatch(spec.strip())
    if match is None:
        raise FunctionNotFoundError(f"no function {quoted(spec)}: that is the name of none")
    position = match["position"]
    if position is not None and not position.isdecimal():
        raise FunctionNotFoundError(
            f"{quoted(spec)}: after {match['sign']} comes a number, the symbol's position"
        )
    modules = {kernel_name(one) for one in match.group("before", "behind") if one}
    if len(modules) > 1:
        raise FunctionNotFoundError(f"{quoted(spec)} names two modules")
    return FunctionName(
        name=match["name"],
        module=next(iter(modules), None),
        # A sympos of 0 says that the symbol is the only one.
        position=int(position) if position is not None and int(position) else None,
        offset=int(match["offset"] or "0", 16),
    )


def find_function(
    symbols: KernelSymbols,
    spec: str,
    read: Callable[[int, int], bytes] | None = None,
    is_patch: Callable[[str], bool | Unknown] | None = None,
) -> KernelSymbol:
    """
    Return the function of a name or address.

    Of several, the one that callers call: a replacement that has the name of its original, as
    kpatch makes them, steps back behind it.

    >>> find_function(view.symbols, "scsi_common:int_to_scsilun").label
    'int_to_scsilun [scsi_common]'
    >>> find_function(view.symbols, "0xc0080000001401e4").label
    'int_to_scsilun [scsi_common]'

    :param spec: a name as :func:`parse_name` takes it, with the position among the symbols of that
        name in its object by address, or an address in hexadecimal anywhere in the function
    :param read: reads (address, size in bytes) of the target or raises
        :exc:`drgn.FaultError`; it tells an address that is not mapped
    :param is_patch: tells whether the module of a name is that of a live patch
    :raises FunctionNotFoundError: if there is none, or several
    """
    address = parse_address(spec)
    if address is not None:
        return function_at(symbols, address, read)
    wanted = parse_name(spec)
    name, module = wanted.name, wanted.module
    named = _named(symbols, name, module)
    functions = [candidate for candidate in named if candidate.symbol.is_function]
    where = f"in {quoted(module)}" if module else "in this kernel"
    if not functions and symbols.missing is not None and module != "vmlinux":
        raise FunctionNotFoundError(
            f"whether there is a function {quoted(name)} {where} cannot be told:"
            f" {symbols.missing.reason}"
        )
    if not functions:
        raise FunctionNotFoundError(f"no function {quoted(name)} {where}{_instead(named)}")
    found = functions
    if wanted.position is not None:
        at_position = [each for each in named if each.position == wanted.position]
        found = [candidate for candidate in at_position if candidate.symbol.is_function]
        if not at_position:
            last = max(candidate.position for candidate in named)
            raise FunctionNotFoundError(
                f"{name} has {plural(last, 'symbol')} {where}, so no @{wanted.position}"
            )
        if not found:
            raise FunctionNotFoundError(
                f"no function {name}@{wanted.position}{_instead(at_position)}"
            )
    # init_module and cleanup_module are in every module, and none is another's replacement.
    if len(found) > 1 and is_patch is not None and name not in ALIASES:
        found = _called(name, found, functions, is_patch)
    if len(found) > 1:
        raise FunctionNotFoundError(_ambiguous(name, found, functions))
    symbol = found[0].symbol
    if module is None and is_patch is not None:
        _must_be_called(symbol, symbols.missing, is_patch)
    # A return address may be right behind a call that never returns, the function's last word.
    if 0 < symbol.size < wanted.offset:
        raise FunctionNotFoundError(
            f"{symbol.label} has {symbol.size:#x} bytes, so no +{wanted.offset:#x}: what was"
            " written may be of another kernel"
        )
    return symbol


def _called(
    name: str,
    found: list["_Named"],
    functions: list["_Named"],
    is_patch: Callable[[str], bool | Unknown],
) -> list["_Named"]:
    """Return those of several functions that are in no patch, if there are any."""
    originals = []
    for function in found:
        module = function.symbol.module
        patch = False if module is None else is_patch(module)
        if isinstance(patch, Unknown):
            raise FunctionNotFoundError(
                f"{_ambiguous(name, found, functions)}; whether {module} is a live patch cannot be"
                f" told: {patch.reason}"
            )
        if not patch:
            originals.append(function)
    return originals or found


def _must_be_called(
    symbol: KernelSymbol, missing: Unknown | None, is_patch: Callable[[str], bool | Unknown]
) -> None:
    """
    See that a function is none that steps back behind another one.

    :param missing: why there may be functions that could not be read; None if there are none
    :raises FunctionNotFoundError: if it may be one
    """
    if missing is None or symbol.module is None or is_patch(symbol.module) is False:
        return
    raise FunctionNotFoundError(
        f"{symbol.label} may be a live patch's; whether there is another {symbol.name}, which"
        f" callers call, cannot be told: {missing.reason};"
        f" {symbol.module}:{symbol.name} is this one"
    )


def namesakes_in_patches(
    symbols: KernelSymbols, symbol: KernelSymbol, is_patch: Callable[[str], bool | Unknown]
) -> list[KernelSymbol | Unknown]:
    """
    Return the functions of live patches that have a name of a function, but for itself.

    Where it cannot be told whether a module is a live patch, Unknown is in the function's place.
    """
    found: list[KernelSymbol | Unknown] = []
    names = {symbol.name, *symbols.aliases(symbol)} - ALIASES
    others = {one.address: one for name in sorted(names) for one in symbols.named(name)}
    for other in others.values():
        if not other.is_function or other.module is None or other.address == symbol.address:
            continue
        patch = is_patch(other.module)
        if isinstance(patch, Unknown):
            found.append(patch)
        elif patch:
            found.append(other)
    return found if symbols.missing is None else [*found, symbols.missing]


def parse_address(spec: str) -> int | None:
    """Return the address that a user wrote, with ``0x`` or as 16 digits; None for a name."""
    if re.fullmatch("0x[0-9a-fA-F]{1,16}", spec) or re.fullmatch("[0-9a-fA-F]{16}", spec):
        return int(spec, 16)
    return None


def function_at(
    symbols: KernelSymbols, address: int, read: Callable[[int, int], bytes] | None = None
) -> KernelSymbol:
    """
    Return the function that an address is in.

    :param read: as :func:`find_function` takes it
    :raises FunctionNotFoundError: if it is in none
    """
    symbol = symbols.covering(address)
    if isinstance(symbol, Unknown):
        raise FunctionNotFoundError(f"what {address:#x} is in cannot be told: {symbol.reason}")
    if symbol is None:
        raise FunctionNotFoundError(f"{address:#x} is {_outside(address, read)}")
    if not symbol.is_function:
        raise FunctionNotFoundError(f"{address:#x} is in {symbol.name}, which is no function")
    return symbol


def _outside(address: int, read: Callable[[int, int], bytes] | None) -> str:
    """Say what an address is that no symbol covers."""
    nowhere = "in no symbol of the kernel or its modules"
    if address < PAGE_OFFSET:
        return f"not mapped: the kernel's addresses begin at {PAGE_OFFSET:#x}"
    if read is None:
        return nowhere
    try:
        read(address, 1)
    except FaultError as fault:
        why = str(fault.args[0])
        # A page that the dump lacks may be mapped; only the walk of the page table can tell.
        return why if why.startswith("not mapped") else f"{nowhere}, and cannot be read: {why}"
    return nowhere


@dataclass(frozen=True, slots=True)
class _Named:
    """One of the symbols of a name."""

    symbol: KernelSymbol
    position: int
    """As sympos counts: among all symbols of that name in its object, data too, from 1."""

    @property
    def where(self) -> str:
        return self.symbol.module or "vmlinux"


def _named(symbols: KernelSymbols, name: str, module: str | None) -> list[_Named]:
    objects: dict[str | None, dict[int, KernelSymbol]] = {}
    for symbol in symbols.named(name, module):
        objects.setdefault(symbol.module, {})[symbol.address] = symbol
    return [
        _Named(symbol, position)
        for of_object in objects.values()
        for position, symbol in enumerate(of_object.values(), 1)
    ]


def _instead(named: list[_Named]) -> str:
    """Say that there is something of the name, though no function."""
    return f": the symbol at {named[0].symbol.address:#x} is none" if named else ""


def _ambiguous(name: str, found: list[_Named], functions: list[_Named]) -> str:
    """Say all that was found, each as it can be named among all functions of that name."""
    objects = [function.where for function in functions]
    several = len(set(objects)) > 1
    candidates = []
    for function in found:
        at = f"@{function.position}" if objects.count(function.where) > 1 else ""
        spec = f"{function.where}:{name}{at}" if several else f"{name}{at}"
        candidates.append(f"{spec} at {function.symbol.address:#x}")
    return f"{name} is ambiguous: {', '.join(candidates)}"
