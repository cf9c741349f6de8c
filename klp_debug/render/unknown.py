# SPDX-License-Identifier: GPL-2.0-or-later
"""How text shows what could not be read: ``unknown`` in a cell, with the reason on a line."""

from klp_debug.render.terminal import escape
from klp_debug.result.address import Address
from klp_debug.result.text import plural
from klp_debug.result.unknown import AtLeast, Number, Unknown

UNKNOWN = "unknown"
"""A cell whose value could not be read; its reason is among the problems."""


def cell(value: object, none: str = "-") -> str:
    """
    Return a value as a cell of a table.

    :param none: of a value that is not there
    """
    if isinstance(value, Unknown):
        return UNKNOWN
    return none if value is None else str(value)


def symbol_or(symbol: str | Unknown | None, address: Address) -> str:
    """Return a symbol, or its address where there is none, or where it is unknown."""
    if isinstance(symbol, Unknown):
        return f"{address.bare} (symbol unknown)"
    return symbol or address.bare


def unknown_line(what: str, unknown: Unknown) -> str:
    """
    Return the line that stands for what could not be read.

    >>> unknown_line("a patch", Unknown("klp_patch 0xc008000000340d00: page 5 is not in the dump"))
    'a patch is unknown: klp_patch 0xc008000000340d00: page 5 is not in the dump'
    """
    return f"{what} is unknown: {escape(unknown.reason)}"


def counted(number: Number, noun: str, nouns: str | None = None) -> str:
    """
    Return a number with its noun.

    >>> counted(2, "patch", "patches"), counted(AtLeast(1, "page 5 is not in the dump"), "patch")
    ('2 patches', 'at least 1 patch')
    """
    if isinstance(number, AtLeast):
        return f"at least {plural(number.number, noun, nouns)}"
    return plural(number, noun, nouns)
