# SPDX-License-Identifier: GPL-2.0-or-later
"""The tables of an ELF file, as pyelftools reads any bytes of them, and the numbers of the ABIs."""

from typing import Any

import numpy as np
import pytest
from elftools.elf.structs import ELFStructs
from hypothesis import given, settings
from hypothesis import strategies as st

from klp_debug.elf import format as elf_format
from klp_debug.elf.format import RELOCATION, SECTION, SYMBOL


@pytest.fixture(scope="module")
def structs() -> ELFStructs:
    structs = ELFStructs(little_endian=True, elfclass=64)
    structs.create_basic_structs()
    structs.create_advanced_structs("ET_REL", "EM_PPC64", "ELFOSABI_SYSV")
    return structs


def row_of(dtype: np.dtype[Any], data: bytes) -> dict[str, int]:
    (row,) = np.frombuffer(data, dtype)
    return {name: int(row[name]) for name in dtype.names or ()}


@settings(max_examples=20)
@given(data=st.binary(min_size=64, max_size=64))
def test_a_section_header_is_read_as_pyelftools_reads_it(structs: ELFStructs, data: bytes) -> None:
    parsed, row = structs.Elf_Shdr.parse(data), row_of(SECTION, data)
    # pyelftools has names for the types that it knows.
    assert row.pop("type") == int.from_bytes(data[4:8], "little")
    assert row == {
        "name": parsed.sh_name,
        "flags": parsed.sh_flags,
        "address": parsed.sh_addr,
        "offset": parsed.sh_offset,
        "size": parsed.sh_size,
        "link": parsed.sh_link,
        "info": parsed.sh_info,
        "align": parsed.sh_addralign,
        "entry_size": parsed.sh_entsize,
    }


@settings(max_examples=20)
@given(data=st.binary(min_size=24, max_size=24))
def test_a_symbol_is_read_as_pyelftools_reads_it(structs: ELFStructs, data: bytes) -> None:
    parsed, row = structs.Elf_Sym.parse(data), row_of(SYMBOL, data)
    assert (row["info"], row["other"]) == (data[4], data[5])
    assert row["other"] >> 5 == parsed.st_other.local
    assert row["section"] == int.from_bytes(data[6:8], "little")
    assert (row["name"], row["value"], row["size"]) == (
        parsed.st_name,
        parsed.st_value,
        parsed.st_size,
    )


@settings(max_examples=20)
@given(data=st.binary(min_size=24, max_size=24))
def test_a_relocation_is_read_as_pyelftools_reads_it(structs: ELFStructs, data: bytes) -> None:
    parsed = structs.Elf_Rela.parse(data)
    assert row_of(RELOCATION, data) == {
        "offset": parsed.r_offset,
        "type": parsed.r_info_type,
        "symbol": parsed.r_info_sym,
        "addend": parsed.r_addend,
    }


@pytest.mark.parametrize(
    ("names", "numbers"),
    [
        (("STT_NOTYPE", "STT_OBJECT", "STT_FUNC"), (0, 1, 2)),
        (("SHT_SYMTAB", "SHT_RELA", "SHT_NOBITS", "SHT_SYMTAB_SHNDX"), (2, 4, 8, 18)),
        (("SHN_UNDEF", "SHN_LIVEPATCH", "SHN_ABS", "SHN_XINDEX"), (0, 0xFF20, 0xFFF1, 0xFFFF)),
        (("R_PPC64_ADDR32", "R_PPC64_REL24", "R_PPC64_RELATIVE"), (1, 10, 22)),
        (("R_PPC64_ADDR64", "SHF_RELA_LIVEPATCH"), (38, 0x00100000)),
    ],
)
def test_numbers_are_those_of_the_abis(names: tuple[str, ...], numbers: tuple[int, ...]) -> None:
    """Of the gABI, the ELFv2 ABI and include/uapi/linux/elf.h."""
    assert tuple(getattr(elf_format, name) for name in names) == numbers
