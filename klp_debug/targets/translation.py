# SPDX-License-Identifier: GPL-2.0-or-later
"""
Kernel virtual addresses of Book3S 64, for radix and hash MMU alike.

drgn 0.3 walks radix tables only, and libkdumpfile none of a ppc64 dump. Both MMUs keep the
kernel's mappings in the same Linux page tables, whose geometry the kernel holds in variables,
so one walk serves both.

Source: arch/powerpc/include/asm/book3s/64/pgtable.h.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass

from drgn import FaultError, Program

from klp_debug.result.kernel import Mmu
from klp_debug.targets.vmcoreinfo import Vmcoreinfo

PAGE_OFFSET = 0xC000000000000000
"""Start of the linear map: the physical address is what remains below it."""

_MMU_FTR_TYPE_RADIX = 0x40  # arch/powerpc/include/asm/mmu.h

# The linear map ends where the vmalloc region of every 64K kernel and every radix kernel
# begins (RADIX_KERN_VIRT_START, H_KERN_VIRT_START). Where vmalloc lies inside this range
# (hash with 4K pages) its own segment, added later, wins.
LINEAR_MAP_SIZE = 1 << 51

_PAGE_PRESENT = 1 << 63
_PAGE_PTE = 1 << 62  # tells a leaf from a pointer to the next table
_TABLE_MASKED_BITS = 0xC0000000000000FF  # PMD_MASKED_BITS and its siblings
_PAGE_PA_MAX = 53

_LEVELS = ("pte", "pmd", "pud", "pgd")
_MAX_INDEX_SIZE = 16

PhysicalRead = Callable[[int, int], bytes]
"""Reads physical memory: (address, size in bytes) -> bytes; raises drgn.FaultError."""


def read_physical(prog: Program, address: int, size: int) -> bytes:
    """
    Read physical memory of a program.

    :raises drgn.FaultError: if a byte of it is not there
    """
    data: bytes = prog.read(address, size, True)
    return data


def add_linear_map(prog: Program) -> None:
    """Let the program read the kernel's linear map by its physical memory."""

    def read(address: int, count: int, offset: int, physical: bool) -> bytes:
        return read_linear(prog, address, count)

    prog.add_memory_segment(PAGE_OFFSET, LINEAR_MAP_SIZE, read)


def read_linear(prog: Program, address: int, count: int) -> bytes:
    """
    Read the linear map.

    :raises drgn.FaultError: if a byte of it is not there; it names the virtual address
    """
    physical = address - PAGE_OFFSET
    try:
        return read_physical(prog, physical, count)
    except FaultError as fault:
        raise FaultError(
            f"physical page {physical:#x} is not in the target ({fault.args[0]})", address
        ) from None


@dataclass(frozen=True, slots=True)
class PageTableGeometry:
    """How the kernel's page tables are cut: all sizes are numbers of address bits."""

    page_shift: int
    index_sizes: tuple[int, int, int, int]
    """Bits of the pte, pmd, pud and pgd index (``__pte_index_size`` ...)."""
    directories_are_present: bool = True
    """Whether an entry that points to the next table has _PAGE_PRESENT, as a leaf has."""

    @classmethod
    def of(cls, prog: Program, page_size: int) -> "PageTableGeometry":
        """
        Read the geometry that the running kernel chose at boot.

        ``__pte_index_size`` and its siblings are variables since 4.7, when one
        kernel image began to serve both MMUs. Before Linux kernel commit da7ad366b497
        ("powerpc/mm/book3s: Update pmd_present to look at _PAGE_PRESENT bit") (in v4.20) hash
        has nothing in ``__pmd_val_bits``: an entry that points to a table is its address alone.

        :param page_size: bytes
        :raises drgn.FaultError: if a variable cannot be read
        :raises ValueError: if one of them is absurd
        :raises LookupError: if the kernel has no such variables
        """
        sizes = []
        for level in _LEVELS:
            size = prog[f"__{level}_index_size"].value_()
            if not 0 <= size <= _MAX_INDEX_SIZE:
                raise ValueError(f"__{level}_index_size is {size}")
            sizes.append(size)
        pte, pmd, pud, pgd = sizes
        try:
            present = bool(prog["__pmd_val_bits"].value_() & _PAGE_PRESENT)
        except (FaultError, KeyError):
            present = True  # as in most kernels; a wrong guess leaves memory unread
        return cls(page_size.bit_length() - 1, (pte, pmd, pud, pgd), present)


class KernelPageTable:
    """Walks the kernel's page table (``init_mm.pgd``)."""

    def __init__(self, read: PhysicalRead, pgd: int, geometry: PageTableGeometry) -> None:
        """
        Prepare a walk.

        :param read: reads physical memory
        :param pgd: physical address of the top table
        """
        self._read = read
        self._pgd = pgd
        self._geometry = geometry

    def translate(self, address: int) -> tuple[int, int]:
        """
        Return the physical address of a virtual one, and the bytes left in its mapping.

        :raises drgn.FaultError: if the address is not mapped or a table cannot be read
        """
        shifts = []
        shift = self._geometry.page_shift
        for size in self._geometry.index_sizes:
            shifts.append((shift, size))
            shift += size
        table = self._pgd
        for level, (shift, size) in reversed(list(zip(_LEVELS, shifts, strict=True))):
            index = (address >> shift) & ((1 << size) - 1)
            entry = self._entry(table + 8 * index, level, address)
            leaf = entry & _PAGE_PTE or level == "pte"
            must_have_it = leaf or self._geometry.directories_are_present
            if not entry or (must_have_it and not entry & _PAGE_PRESENT):
                raise FaultError(f"not mapped: its {level} entry is {entry:#x}", address)
            if leaf:
                within = address & ((1 << shift) - 1)
                frame = entry & ((1 << _PAGE_PA_MAX) - 1) & ~((1 << shift) - 1)
                return frame | within, (1 << shift) - within
            table = entry & ~_TABLE_MASKED_BITS
        raise AssertionError("unreachable: the last level is a leaf")

    def _entry(self, physical: int, level: str, address: int) -> int:
        try:
            # Entries are big-endian on every Book3S 64 kernel: the MMU reads them so.
            (entry,) = struct.unpack(">Q", self._read(physical, 8))
        except FaultError as fault:
            raise FaultError(f"its {level} table is unreadable ({fault})", address) from None
        return int(entry)

    def read(self, address: int, size: int) -> bytes:
        """
        Read virtual memory.

        :raises drgn.FaultError: if a byte of it is not mapped or not there
        """
        parts = []
        while size > 0:
            physical, left = self.translate(address)
            count = min(size, left)
            try:
                parts.append(self._read(physical, count))
            except FaultError as fault:
                raise FaultError(
                    f"physical page {physical:#x} is not in the target ({fault.args[0]})", address
                ) from None
            address += count
            size -= count
        return b"".join(parts)


@dataclass(frozen=True, slots=True)
class KernelTranslation:
    """Finds kernel memory in physical memory: the linear map, and vmalloc memory by its table."""

    vmalloc: range
    table: KernelPageTable

    @classmethod
    def of(cls, prog: Program, page_size: int, read: PhysicalRead) -> "KernelTranslation":
        """
        Look at a kernel whose linear map is readable and whose debugging information is loaded.

        :param page_size: bytes
        :param read: reads the page tables
        :raises drgn.FaultError: if the kernel's variables cannot be read
        :raises LookupError: if it has none of them
        :raises ValueError: if one of them is absurd
        """
        geometry = PageTableGeometry.of(prog, page_size)
        pgd = prog["init_mm"].pgd.value_() & ~PAGE_OFFSET
        start = prog["__vmalloc_start"].value_()
        end = prog["__vmalloc_end"].value_()
        if not PAGE_OFFSET <= start < end:
            raise ValueError(f"__vmalloc_start {start:#x} and __vmalloc_end {end:#x} make no range")
        return cls(range(start, end), KernelPageTable(read, pgd, geometry))

    def translate(self, address: int) -> tuple[int, int]:
        """
        Return the physical address of a kernel's virtual one, and the bytes left in its mapping.

        :raises drgn.FaultError: if the address is not mapped or a table cannot be read
        """
        address = int(address)  # a range is searched, not computed, for what is no plain int
        if address in self.vmalloc:
            return self.table.translate(address)
        if not PAGE_OFFSET <= address < PAGE_OFFSET + LINEAR_MAP_SIZE:
            raise FaultError("neither in the linear map nor in vmalloc memory", address)
        return address & ~PAGE_OFFSET, PAGE_OFFSET + LINEAR_MAP_SIZE - address


def add_vmalloc(prog: Program, page_size: int) -> None:
    """
    Let the program read vmalloc memory, where modules and livepatch data live.

    The linear map must be readable and vmlinux's debugging information loaded.

    :param page_size: bytes
    :raises drgn.FaultError: if the kernel's variables cannot be read
    :raises LookupError: if it has none of them
    :raises ValueError: if one of them is absurd
    """
    kernel = KernelTranslation.of(
        prog, page_size, lambda address, size: read_physical(prog, address, size)
    )

    def read(address: int, count: int, offset: int, physical: bool) -> bytes:
        return kernel.table.read(address, count)

    prog.add_memory_segment(kernel.vmalloc.start, len(kernel.vmalloc), read)


def mmu_mode(prog: Program, vmcoreinfo: Vmcoreinfo) -> Mmu:
    """
    Tell the MMU mode; a hash boot clears the radix bit (``mmu_early_init_devtree()``).

    :raises drgn.FaultError: if it cannot be read
    :raises LookupError: if vmlinux's debugging information is needed and not loaded
    """
    if vmcoreinfo.says_radix is not None:
        return "radix" if vmcoreinfo.says_radix else "hash"
    features = prog["cur_cpu_spec"].mmu_features.value_()
    return "radix" if features & _MMU_FTR_TYPE_RADIX else "hash"
