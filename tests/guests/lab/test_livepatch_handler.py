# SPDX-License-Identifier: GPL-2.0-or-later
"""The layout of a livepatch stack's entry, from the words of each kernel of the lab."""

import struct

import pytest
from elftools.elf.elffile import ELFFile

from klp_debug.analysis.view.livepatch_entry import entry_layout
from klp_debug.kernel.livepatch_stack import EntryLayout
from klp_debug.kernel.symbols import KernelSymbols, SymbolTable
from klp_debug.kernel.walk import WalkError
from vmcores.build.image import image

pytestmark = pytest.mark.lab

SOURCE = EntryLayout(size=24, toc=0, lr=8, marker=16)
"""
By ``livepatch_handler`` of 6.1 (ftrace_mprofile.S), 6.12 and 7.2 (ftrace_entry.S).

``subi r11,r11,24``, after ``ld r2,-24(r11)``, ``ld r12,-16(r11); mtlr r12`` and the check of
``ld r12,-8(r11)``.
"""


def layout(kernel: str) -> EntryLayout:
    path = image(kernel).vmlinux
    with path.open("rb") as file:
        elf = ELFFile(file)

        def read(address: int, count: int) -> tuple[int, ...]:
            (offset,) = elf.address_offsets(address, 4 * count)
            file.seek(offset)
            return struct.unpack(f"<{count}I", file.read(4 * count))

        return entry_layout(KernelSymbols([SymbolTable.of_vmlinux(path)], None), read)


@pytest.mark.parametrize("kernel", ["6.1", "6.1-4k", "6.12", "7.2", "7.2-pcrel"])
def test_it_is_what_the_source_says(kernel: str) -> None:
    assert layout(kernel) == SOURCE


def test_a_kernel_without_livepatch() -> None:
    with pytest.raises(WalkError, match="do not tell"):
        layout("6.1-nolivepatch")
