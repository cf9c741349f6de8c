# SPDX-License-Identifier: GPL-2.0-or-later
"""Page tables built by hand, in the geometries that real kernels use."""

import struct

import pytest
from drgn import FaultError
from hypothesis import given
from hypothesis import strategies as st

from klp_debug.targets.translation import KernelPageTable, PageTableGeometry
from tests.support.memory import MemoryProgram

PGD = 0x10000
VMALLOC = 0xC008000000000000

# {RADIX,H}_{PTE,PMD,PUD,PGD}_INDEX_SIZE of arch/powerpc/include/asm/book3s/64/.
RADIX_64K = PageTableGeometry(16, (5, 9, 9, 13))
RADIX_4K = PageTableGeometry(12, (9, 9, 9, 13))
HASH_64K = PageTableGeometry(16, (8, 10, 10, 8))
HASH_4K = PageTableGeometry(12, (9, 7, 9, 9))
HASH_BEFORE_4_20 = PageTableGeometry(16, (8, 10, 10, 8), directories_are_present=False)
GEOMETRIES = (RADIX_64K, RADIX_4K, HASH_64K, HASH_4K, HASH_BEFORE_4_20)

PRESENT, PTE = 1 << 63, 1 << 62


class Tables:
    """Physical memory that holds page tables."""

    def __init__(self, geometry: PageTableGeometry) -> None:
        self.geometry = geometry
        self.memory: dict[int, int] = {}
        self._free = 0x1000000

    def read(self, address: int, size: int) -> bytes:
        if size == 8 and address >= PGD:
            return struct.pack(">Q", self.memory.get(address, 0))
        raise FaultError("no such memory", address)

    def map(self, virtual: int, physical: int, level: int = 0, bits: int = 0) -> None:
        """Map a virtual address by a leaf at a level (0 = pte)."""
        table = PGD
        for at in (3, 2, 1, 0):
            shift = self.geometry.page_shift + sum(self.geometry.index_sizes[:at])
            index = virtual // 2**shift % 2 ** self.geometry.index_sizes[at]
            where = table + 8 * index
            if at == level:
                self.memory[where] = PRESENT | PTE | physical | bits
                return
            if where not in self.memory:
                self._free += 0x100000
                marks = PRESENT | 0x05 if self.geometry.directories_are_present else 0
                self.memory[where] = marks | self._free
            table = self.memory[where] & ~(0xFF | 3 << 62)

    def walk(self) -> KernelPageTable:
        return KernelPageTable(self.read, PGD, self.geometry)


@given(
    geometry=st.sampled_from(GEOMETRIES),
    page=st.integers(0, 1 << 20),
    frame=st.integers(1, 1 << 30),
    offset=st.integers(0, 4095),
    bits=st.integers(0, 0xFFF),
)
def test_a_mapped_page_translates(
    geometry: PageTableGeometry, page: int, frame: int, offset: int, bits: int
) -> None:
    size = 1 << geometry.page_shift
    tables = Tables(geometry)
    tables.map(VMALLOC + page * size, frame * size, bits=bits)
    physical, left = tables.walk().translate(VMALLOC + page * size + offset)
    assert physical == frame * size + offset
    assert left == size - offset


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_a_huge_page_is_a_leaf_above(geometry: PageTableGeometry) -> None:
    size = 1 << (geometry.page_shift + geometry.index_sizes[0])
    tables = Tables(geometry)
    tables.map(VMALLOC, 7 * size, level=1)
    assert tables.walk().translate(VMALLOC + size - 1) == (8 * size - 1, 1)


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_an_unmapped_address_faults_and_names_its_level(geometry: PageTableGeometry) -> None:
    tables = Tables(geometry)
    with pytest.raises(FaultError, match="pgd entry is 0"):
        tables.walk().translate(VMALLOC)
    tables.map(VMALLOC, 0x10000)
    with pytest.raises(FaultError, match="pte entry is 0"):
        tables.walk().translate(VMALLOC + (1 << geometry.page_shift))


def test_an_unreadable_table_faults() -> None:
    tables = Tables(RADIX_64K)
    tables.map(VMALLOC, 0x10000)
    top = next(iter(tables.memory))
    tables.memory[top] = PRESENT | 0x100  # leads to a table below readable memory
    with pytest.raises(FaultError, match="pud table is unreadable"):
        tables.walk().translate(VMALLOC)


def test_a_missing_frame_faults_at_the_virtual_address() -> None:
    tables = Tables(RADIX_64K)
    tables.map(VMALLOC, 0x30000)
    with pytest.raises(FaultError) as caught:
        tables.walk().read(VMALLOC + 8, 16)
    assert caught.value.address == VMALLOC + 8


@given(st.dictionaries(st.integers(0, 1 << 16), st.integers(0, (1 << 64) - 1), max_size=8))
def test_garbage_tables_translate_or_fault(garbage: dict[int, int]) -> None:
    tables = Tables(HASH_64K)
    tables.map(VMALLOC, 0x10000)
    tables.memory.update({PGD + 8 * index: entry for index, entry in garbage.items()})
    try:
        physical, left = tables.walk().translate(VMALLOC + 0x1234)
    except FaultError:
        return
    assert 0 <= physical < 1 << 53
    assert left > 0


class Variables(MemoryProgram):
    """A kernel's variables for its geometry."""

    def __init__(self, **values: int) -> None:
        super().__init__()
        sizes = zip(("pte", "pmd", "pud", "pgd"), HASH_64K.index_sizes, strict=True)
        values |= {f"__{level}_index_size": size for level, size in sizes}
        for number, (name, value) in enumerate(values.items()):
            self.put(0x1000 + 8 * number, value)
            self.variable(name, self.u64, 0x1000 + 8 * number)


@pytest.mark.parametrize(
    ("variables", "geometry"),
    [
        ({"__pmd_val_bits": PRESENT}, HASH_64K),
        ({"__pmd_val_bits": PRESENT | 9}, HASH_64K),
        ({"__pmd_val_bits": 0}, HASH_BEFORE_4_20),
        ({}, HASH_64K),
    ],
)
def test_what_the_kernel_says_of_its_directories(
    variables: dict[str, int], geometry: PageTableGeometry
) -> None:
    assert PageTableGeometry.of(Variables(**variables).prog, 65536) == geometry


def test_a_leaf_needs_the_bit_whatever_directories_have() -> None:
    tables = Tables(HASH_BEFORE_4_20)
    tables.map(VMALLOC, 0x40000000)
    (leaf,) = (at for at, entry in tables.memory.items() if entry & PTE)
    tables.memory[leaf] &= ~PRESENT
    with pytest.raises(FaultError, match=r"not mapped: its pte entry"):
        tables.walk().translate(VMALLOC)
