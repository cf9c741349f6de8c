# SPDX-License-Identifier: GPL-2.0-or-later
"""What an ELF64 file is made of: structures and numbers, and those that Linux adds to them."""

import numpy as np
from elftools.elf.constants import SH_FLAGS, SHN_INDICES
from elftools.elf.enums import ENUM_RELOC_TYPE_PPC64, ENUM_SH_TYPE_BASE, ENUM_ST_INFO_TYPE

SECTION = np.dtype(
    [
        ("name", "<u4"),
        ("type", "<u4"),
        ("flags", "<u8"),
        ("address", "<u8"),
        ("offset", "<u8"),
        ("size", "<u8"),
        ("link", "<u4"),
        ("info", "<u4"),
        ("align", "<u8"),
        ("entry_size", "<u8"),
    ]
)
"""``Elf64_Shdr``"""
SYMBOL = np.dtype(
    [
        ("name", "<u4"),
        ("info", "u1"),
        ("other", "u1"),
        ("section", "<u2"),
        ("value", "<u8"),
        ("size", "<u8"),
    ]
)
"""``Elf64_Sym``"""
RELOCATION = np.dtype([("offset", "<u8"), ("type", "<u4"), ("symbol", "<u4"), ("addend", "<i8")])
"""``Elf64_Rela``; the file keeps the type in the low half of ``r_info``."""

STT_NOTYPE: int = ENUM_ST_INFO_TYPE["STT_NOTYPE"]
STT_OBJECT: int = ENUM_ST_INFO_TYPE["STT_OBJECT"]
STT_FUNC: int = ENUM_ST_INFO_TYPE["STT_FUNC"]
STT_SECTION: int = ENUM_ST_INFO_TYPE["STT_SECTION"]

SHT_SYMTAB: int = ENUM_SH_TYPE_BASE["SHT_SYMTAB"]
SHT_RELA: int = ENUM_SH_TYPE_BASE["SHT_RELA"]
SHT_NOTE: int = ENUM_SH_TYPE_BASE["SHT_NOTE"]
SHT_NOBITS: int = ENUM_SH_TYPE_BASE["SHT_NOBITS"]
SHT_SYMTAB_SHNDX: int = ENUM_SH_TYPE_BASE["SHT_SYMTAB_SHNDX"]

SHN_UNDEF: int = SHN_INDICES.SHN_UNDEF
SHN_ABS: int = SHN_INDICES.SHN_ABS
SHN_XINDEX: int = SHN_INDICES.SHN_XINDEX
SHN_LIVEPATCH = 0xFF20
"""Symbols that livepatch itself resolves; include/uapi/linux/elf.h."""

SHF_WRITE: int = SH_FLAGS.SHF_WRITE
SHF_RELA_LIVEPATCH = 0x00100000
"""Relocations that livepatch itself applies; include/uapi/linux/elf.h."""

R_PPC64_ADDR32: int = ENUM_RELOC_TYPE_PPC64["R_PPC64_ADDR32"]
R_PPC64_ADDR64: int = ENUM_RELOC_TYPE_PPC64["R_PPC64_ADDR64"]
R_PPC64_REL24: int = ENUM_RELOC_TYPE_PPC64["R_PPC64_REL24"]
R_PPC64_RELATIVE: int = ENUM_RELOC_TYPE_PPC64["R_PPC64_RELATIVE"]
