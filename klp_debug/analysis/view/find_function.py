# SPDX-License-Identifier: GPL-2.0-or-later
"""Finds the function that a user means by a name or an address."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from drgn import FaultError

from klp_debug.errors import CommandError
from klp_debug.kernel.symbols import KernelSymbol, KernelSymbols
from klp_debug.result.text import plural, quoted
from klp_debug.result.unknown import Unknown
from klp_debug.targets.translation import PAGE_OFFSET


class FunctionNotFoundError(CommandError):
    """What the user named is no function, or several; the message says which, in one sentence."""


def find_function(
    symbols: KernelSymbols, spec: str, read: Callable[[int, int], bytes] | None = None
) -> KernelSymbol:
    """
    Return the function of a name or address.

    >>> find_function(view.symbols, "scsi_common:int_to_scsilun").label
    'int_to_scsilun [scsi_common]'
    >>> find_function(view.symbols, "0xc0080000001401e4").label
    'int_to_scsilun [scsi_common]'

    :param spec: ``NAME``, ``MODULE:NAME``, ``NAME@N`` (the Nth symbol of that name in its object
        by address, as livepatch's sympos counts; 1 is the first), or an address in hexadecimal
        anywhere in the function
    :param read: reads (address, size in bytes) of the target or raises
        :exc:`drgn.FaultError`; it tells an address that is not mapped
    :raises FunctionNotFoundError: if there is none, or several
    """
    address = parse_address(spec)
    if address is not None:
        return function_at(symbols, address, read)
    module, _, name = spec.rpartition(":")
    name, at, position = name.partition("@")
    if at and not position.isdecimal():
        raise FunctionNotFoundError(
            f"{quoted(spec)}: after @ comes a number, the symbol's position"
        )
    named = _named(symbols, name, module or None)
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
    if at:
        at_position = [candidate for candidate in named if candidate.position == int(position)]
        found = [candidate for candidate in at_position if candidate.symbol.is_function]
        if not at_position:
            last = max(candidate.position for candidate in named)
            raise FunctionNotFoundError(
                f"{name} has {plural(last, 'symbol')} {where}, so no @{position}"
            )
        if not found:
            raise FunctionNotFoundError(f"no function {name}@{position}{_instead(at_position)}")
    if len(found) > 1:
        raise FunctionNotFoundError(_ambiguous(name, found, functions))
    return found[0].symbol


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
