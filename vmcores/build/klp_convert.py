# SPDX-License-Identifier: GPL-2.0-or-later
"""
Makes the relocations of one section of a module those that livepatch applies itself.

So the module can be loaded before the object is whose symbol they are for. The kernel has no tool
for that (klp-convert was never merged), and kpatch-build's is for whole patches. Source:
Documentation/livepatch/module-elf-format.rst.
"""

import struct
import subprocess
from pathlib import Path

from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from vmcores.errors import LabError

OBJCOPY = "powerpc64le-linux-gnu-objcopy"
SHF_ALLOC = 0x2
SHF_RELA_LIVEPATCH = 0x00100000
SHN_LIVEPATCH = 0xFF20
SH_FLAGS, SH_SIZE = 8, 64
"""Where ``sh_flags`` is in a section header, and the size of that, in bytes."""
ST_SHNDX, ST_SIZE = 6, 24
"""The same of ``st_shndx`` in a symbol."""


def klp_convert(module: Path, section: str, obj: str, symbol: str) -> None:
    """
    Turn ``.relaSECTION`` of a .ko into ``.klp.rela.OBJ.X``, and SYMBOL into one of livepatch's.

    X is the last letter of SECTION, which must have the length that makes the two names equally
    long. Raises LabError.
    """
    old, new = f".rela{section}", f".klp.rela.{obj}.{section[-1]}"
    if len(old) != len(new):
        raise LabError(f"{old} cannot become {new} in place")
    klp_symbol = f".klp.sym.{obj}.{symbol},0"
    subprocess.run([OBJCOPY, f"--redefine-sym={symbol}={klp_symbol}", module], check=True)
    data = bytearray(module.read_bytes())
    with module.open("rb") as file:
        elf = ELFFile(file)
        names = elf.get_section(elf["e_shstrndx"])
        for number, one in enumerate(elf.iter_sections()):
            if one.name == old:
                at = names["sh_offset"] + one["sh_name"]
                # The section's own name is the end of this, and changes with it.
                data[at : at + len(new)] = new.encode()
                flags = one["sh_flags"] | SHF_ALLOC | SHF_RELA_LIVEPATCH
                struct.pack_into("<Q", data, elf["e_shoff"] + number * SH_SIZE + SH_FLAGS, flags)
        symbols = elf.get_section_by_name(".symtab")
        assert isinstance(symbols, SymbolTableSection)
        for number, entry in enumerate(symbols.iter_symbols()):
            if entry.name == klp_symbol:
                at = symbols["sh_offset"] + number * ST_SIZE + ST_SHNDX
                struct.pack_into("<H", data, at, SHN_LIVEPATCH)
    module.write_bytes(data)
