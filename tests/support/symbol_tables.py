# SPDX-License-Identifier: GPL-2.0-or-later
"""Symbol tables made by hand."""

import struct

from klp_debug.kernel.symbols import SymbolTable

FUNC, OBJECT, NOTYPE = 2, 1, 0


def symbol_table(
    module: str | None,
    *symbols: tuple[str, int, int, int],
    other: int = 0,
    regions: list[tuple[int, int]] | None = None,
) -> SymbolTable:
    """Return the table of (name, address, size, kind) symbols."""
    strings = b"\0"
    data = b""
    for name, address, size, kind in symbols:
        data += struct.pack("<IBBHQQ", len(strings), kind, other, 1, address, size)
        strings += name.encode() + b"\0"
    return SymbolTable(module, data, strings, regions)
