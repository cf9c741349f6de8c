# SPDX-License-Identifier: GPL-2.0-or-later
"""A relocation that livepatch applies by itself, as ``klp_copy_module_info()`` keeps it."""

import struct
from dataclasses import dataclass

from tests.support.fake_kernel import Struct
from tests.support.fake_livepatch import FakePatch, LivepatchKernel

ADDR64, REL24, TOC16_HA = 38, 10, 50
RELA_LIVEPATCH = 0x00100000
_SHDR = struct.Struct("<IIQQQQIIQQ")
_NAMES = b"\0.data\0.symtab\0"


@dataclass(eq=False)
class FakeRelocation:
    """The one of a patch's module."""

    info: Struct
    """``struct klp_modinfo``."""
    place: int
    """The address that it is for, a doubleword of zeros."""
    section: str
    symbol: str


def klp_relocation(
    kernel: LivepatchKernel, patch: FakePatch, obj: str, *, type_: int = ADDR64
) -> FakeRelocation:
    """
    Give a patch's module a relocation for a symbol of an object.

    :param obj: ``vmlinux``, or the module that must be loaded for it
    :param type_: R_PPC64_*
    """
    section, symbol = f".klp.rela.{obj}..data", f".klp.sym.{obj}.f,0"
    place, names = kernel.allocate(8), kernel.allocate(0x100)
    symbols, strings, rela = (kernel.allocate(0x100) for _ in range(3))
    kernel.memory.write(names, _NAMES + section.encode())
    kernel.memory.write(strings, b"\0" + symbol.encode())
    kernel.memory.write(symbols + 24, struct.pack("<IBBHQQ", 1, 0, 0, 0xFF20, 0, 0))
    kernel.memory.write(rela, struct.pack("<QIIq", 0, type_, 1, 0))
    headers = [
        _SHDR.pack(0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
        _SHDR.pack(1, 1, 3, place, 0, 8, 0, 0, 8, 0),
        _SHDR.pack(7, 2, 0, symbols, 0, 48, 0, 0, 8, 24),
        _SHDR.pack(len(_NAMES), 4, RELA_LIVEPATCH, rela, 0, 24, 2, 1, 8, 24),
    ]
    table = kernel.allocate(0x200)
    kernel.memory.write(table, b"".join(headers))
    info = kernel.new("klp_modinfo", sechdrs=table, secstrings=names, symndx=2)
    info["hdr.e_shnum"] = len(headers)
    patch.module.struct["klp_info"] = info
    patch.module.struct["core_kallsyms.strtab"] = strings
    return FakeRelocation(info, place, section, symbol)
