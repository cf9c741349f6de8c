# SPDX-License-Identifier: GPL-2.0-or-later
"""Finds the function that a user means by a name or an address."""

import re

from klp_debug.kernel.symbols import KernelSymbol, KernelSymbols


class FunctionNotFoundError(Exception):
    """What the user named is no function, or several; the message says which, in one sentence."""


def find_function(symbols: KernelSymbols, spec: str) -> KernelSymbol:
    """
    Return the function of a name or address.

    :param spec: ``NAME``, ``MODULE:NAME``, ``NAME@N`` (the Nth of that name by address, as
        livepatch's sympos counts; 1 is the first), or an address in hexadecimal anywhere in
        the function
    :raises FunctionNotFoundError: if there is none, or several
    """
    address = parse_address(spec)
    if address is not None:
        return _by_address(symbols, address)
    module, _, name = spec.rpartition(":")
    name, at, position = name.partition("@")
    if at and not position.isdecimal():
        raise FunctionNotFoundError(f"{spec}: after @ comes a number, the symbol's position")
    found = _functions(symbols, name, module or None)
    if not found:
        where = f" in {module}" if module else ""
        raise FunctionNotFoundError(f"no function {ascii(name)[1:-1]}{where} in this kernel")
    if at:
        if not 1 <= int(position) <= len(found):
            raise FunctionNotFoundError(f"{name} has {len(found)} symbols; {position} is not one")
        return found[int(position) - 1]
    if len(found) > 1:
        raise FunctionNotFoundError(_ambiguous(name, found))
    return found[0]


def parse_address(spec: str) -> int | None:
    """Return the address that a user wrote, with ``0x`` or as 16 digits; None for a name."""
    if re.fullmatch("0x[0-9a-fA-F]{1,16}", spec) or re.fullmatch("[0-9a-fA-F]{16}", spec):
        return int(spec, 16)
    return None


def _by_address(symbols: KernelSymbols, address: int) -> KernelSymbol:
    symbol = symbols.covering(address)
    if symbol is None:
        raise FunctionNotFoundError(f"{address:#x} is in no symbol of the kernel or its modules")
    if not symbol.is_function:
        raise FunctionNotFoundError(f"{address:#x} is in {symbol.name}, which is no function")
    return symbol


def _functions(symbols: KernelSymbols, name: str, module: str | None) -> list[KernelSymbol]:
    found = {
        (symbol.module, symbol.address): symbol
        for symbol in symbols.named(name, module)
        if symbol.is_function
    }
    return list(found.values())


def _ambiguous(name: str, found: list[KernelSymbol]) -> str:
    """Say all that a name may mean, each as it can be named."""
    objects = [symbol.module or "vmlinux" for symbol in found]
    several = len(set(objects)) > 1
    candidates = []
    for number, (symbol, where) in enumerate(zip(found, objects, strict=True)):
        at = f"@{objects[: number + 1].count(where)}" if objects.count(where) > 1 else ""
        spec = f"{where}:{name}{at}" if several else f"{name}{at}"
        candidates.append(f"{spec} at {symbol.address:#x}")
    return f"{name} is ambiguous: {', '.join(candidates)}"
