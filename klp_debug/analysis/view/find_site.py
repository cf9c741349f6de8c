# SPDX-License-Identifier: GPL-2.0-or-later
"""Finds the mcount site that a user means by a name or an address."""

import numpy as np
from drgn import FaultError

from klp_debug.analysis.view.find_function import (
    FunctionNotFoundError,
    find_function,
    function_at,
    parse_address,
    parse_name,
)
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.kernel.ftrace import OPS_POINTER_OFFSET
from klp_debug.kernel.ftrace_symbols import MCOUNT
from klp_debug.kernel.symbols import KernelSymbol
from klp_debug.ppc64le.entry import local_entry_offset
from klp_debug.ppc64le.site import decode_site
from klp_debug.ppc64le.stub import OOL_STUB_WORDS
from klp_debug.result.unknown import Unknown

_OOL_STUB = range(OPS_POINTER_OFFSET, 4 * OOL_STUB_WORDS)
"""Bytes of ``struct ftrace_ool_stub`` around the address that a record has of it."""


def find_site(view: KernelView, spec: str) -> int:
    """
    Return the index of a site among the records.

    :param spec: a name as :func:`~klp_debug.analysis.view.find_function.find_function` takes it, or
        the address of the site, of its function, or in its out-of-line stub
    :raises FunctionNotFoundError: if there is none; the message says why
    """
    address = parse_address(spec)
    if address is not None:
        return find_site_at(view, address)
    function = find_function(view.symbols, spec, view.prog.read, view.is_patch_module)
    offset = parse_name(spec).offset
    return find_site_at(view, function.address + offset) if offset else _site_of(view, function)


def find_site_at(view: KernelView, address: int) -> int:
    """
    Return the index of a site among the records.

    :param address: the site's, its function's, or one in its out-of-line stub
    :raises FunctionNotFoundError: if there is none; the message says why
    """
    index = site_at(view, address)
    if isinstance(index, int):
        return index
    symbol = function_at(view.symbols, address, view.prog.read)
    found = _site_of(view, symbol)
    if address - symbol.address not in _entry_offsets(symbol):
        site = view.records[found].ip
        raise FunctionNotFoundError(
            f"{address:#x} is {view.symbols.label(address)}, which is no mcount site; that"
            f" function's is {view.symbols.label(site)} at {site:#x}"
        )
    return found


def _site_of(view: KernelView, symbol: KernelSymbol) -> int:
    found = site_of_function(view, symbol)
    if isinstance(found, Unknown):
        raise FunctionNotFoundError(
            f"the mcount site of {symbol.name} cannot be told: {found.reason}"
        )
    if found is None:
        raise FunctionNotFoundError(f"{symbol.name} has no mcount site: {_why(view, symbol)}")
    return found


def _why(view: KernelView, symbol: KernelSymbol) -> str:
    why = why_no_site(view, symbol)
    return f"why cannot be told ({why.reason})" if isinstance(why, Unknown) else why


def site_of_function(view: KernelView, symbol: KernelSymbol) -> int | Unknown | None:
    """Return the index of a function's site among the records; None if it has none."""
    first, end = np.searchsorted(
        view.records.ips,
        np.array([symbol.address, symbol.address + max(symbol.size, 4)], np.uint64),
    )
    return int(first) if first < end else view.records.missing


def _entry_offsets(symbol: KernelSymbol) -> tuple[int, ...]:
    """Return where callers enter a function, in bytes from its global entry point."""
    try:
        return 0, local_entry_offset(symbol.st_other)
    except ValueError:  # a reserved value: a module's symbol may be damaged
        return (0,)


def site_at(view: KernelView, address: int) -> int | Unknown | None:
    """
    Return the index of the site at an address, or with that in its out-of-line stub.

    :return: None if there is none
    """
    records, address = view.records, address % (1 << 64)
    found = np.flatnonzero(records.ips == np.uint64(address))
    if not len(found) and records.out_of_line:
        inside = np.zeros(len(records), np.bool_)
        for offset in _OOL_STUB:
            inside |= records.ool_stubs + np.uint64(offset % (1 << 64)) == np.uint64(address)
        found = np.flatnonzero(inside)
    return int(found[0]) if len(found) else records.missing


def site_of_call(view: KernelView, link: int) -> int | Unknown | None:
    """
    Return the index of the site whose call left a return address; None if none did.

    :param link: LR behind the call, which the site or its out-of-line stub made
    """
    return site_at(view, link - 4)


def why_no_site(view: KernelView, symbol: KernelSymbol) -> str | Unknown:
    """Return why a function without an ftrace record has none, as far as its words tell."""
    if not view.has_ftrace:
        return "this kernel was built without CONFIG_DYNAMIC_FTRACE"
    record = view.record_of(symbol)
    if isinstance(record, Unknown):
        return record
    if record is not None:
        return f"its record names {record.ip:#x}, where none can be"
    bounds = [view.symbols.named(name, "vmlinux") for name in ("_sinittext", "_einittext")]
    if all(bounds) and bounds[0][0].address <= symbol.address < bounds[1][0].address:
        return "it is init text, whose records ftrace drops once the kernel has booted"
    try:
        entry = view.entry_of(symbol)
        words = view.function_words(symbol)
    except FaultError as fault:
        return Unknown(f"text of {symbol.name}: {fault}")
    shape = decode_site(
        words, symbol.address, local_entry=entry.local_entry, patchable=view.patchable
    )
    if shape is not None and shape.target in (None, *_mcount(view)):
        return "it was compiled with one, but ftrace has no record of it"
    return "it was compiled without one (notrace, noinstr, or written in assembly)"


def _mcount(view: KernelView) -> list[int]:
    return [symbol.address for symbol in view.symbols.named(MCOUNT, "vmlinux")]
