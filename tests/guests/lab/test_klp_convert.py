# SPDX-License-Identifier: GPL-2.0-or-later
"""A module that klp_convert.py wrote is as the kernel documents it."""

# SPDX-License-Identifier: GPL-2.0-or-later
import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.relocation import RelocationSection
from elftools.elf.sections import SymbolTableSection

from tests.conftest import LAB_SECONDS
from vmcores.build.guest_modules import CONVERTED
from vmcores.build.image import image
from vmcores.build.klp_convert import SHF_RELA_LIVEPATCH, SHN_LIVEPATCH

pytestmark = pytest.mark.lab


@pytest.mark.timeout(LAB_SECONDS)
@pytest.mark.parametrize("name", CONVERTED)
def test_the_module_is_as_the_kernel_documents_it(name: str) -> None:
    """Documentation/livepatch/module-elf-format.rst."""
    section, obj, symbol = CONVERTED[name]
    with (image("6.1").modules / f"{name}.ko").open("rb") as file:
        elf = ELFFile(file)
        own = [one for one in elf.iter_sections() if one["sh_flags"] & SHF_RELA_LIVEPATCH]
        assert [one.name for one in own] == [f".klp.rela.{obj}.{section[-1]}"]
        assert isinstance(own[0], RelocationSection)
        (relocation,) = own[0].iter_relocations()
        symbols = elf.get_section_by_name(".symtab")
        assert isinstance(symbols, SymbolTableSection)
        target = symbols.get_symbol(relocation["r_info_sym"])
        assert target.name == f".klp.sym.{obj}.{symbol},0"
        assert target["st_shndx"] == SHN_LIVEPATCH
