# SPDX-License-Identifier: GPL-2.0-or-later
"""Symbol tables made by hand."""

import struct

import numpy as np

from klp_debug.elf.format import SYMBOL
from klp_debug.kernel.symbols import KernelSymbols, SymbolTable

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
    return SymbolTable(module, np.frombuffer(data, SYMBOL), strings, regions)


VMLINUX = symbol_table(
    None,
    ("_stext", 0xC000000000000000, 0, NOTYPE),
    ("start", 0xC000000000000100, 0x20, FUNC),
    ("start_alias", 0xC000000000000100, 0, NOTYPE),
    ("unsized", 0xC000000000000200, 0, NOTYPE),
    ("after", 0xC000000000000300, 0x10, FUNC),
    ("data", 0xC000000000001000, 0x8, OBJECT),
    ("_end", 0xC000000000002000, 0, NOTYPE),
)
MODULE = symbol_table(
    "scsi_common",
    ("int_to_scsilun", 0xC008000000140000, 0x38, FUNC),
    ("start", 0xC008000000140100, 0x10, FUNC),
)
SYMBOLS = KernelSymbols([VMLINUX, MODULE])
"""Those of vmlinux and of one module, which share a name."""
