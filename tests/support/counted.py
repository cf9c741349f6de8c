# SPDX-License-Identifier: GPL-2.0-or-later
"""Counts what is read of a target, each read of memory as the debugger asks for it."""

from dataclasses import dataclass, field

from klp_debug.targets.target import Target
from klp_debug.targets.translation import (
    PAGE_OFFSET,
    KernelPageTable,
    PageTableGeometry,
    read_physical,
)


@dataclass
class Reads:
    """The reads so far."""

    sizes: list[int] = field(default_factory=list)
    """In bytes."""


def count_reads(target: Target) -> Reads:
    """Count every read of the kernel's memory from now on."""
    prog, reads = target.prog, Reads()
    start, end = (prog[f"__vmalloc_{which}"].value_() for which in ("start", "end"))
    table = KernelPageTable(
        lambda address, size: read_physical(prog, address, size),
        prog["init_mm"].pgd.value_() & ~PAGE_OFFSET,
        PageTableGeometry.of(prog, target.page_size),
    )

    def linear(address: int, count: int, offset: int, physical: bool) -> bytes:
        reads.sizes.append(count)
        return read_physical(prog, address & ~PAGE_OFFSET, count)

    def vmalloc(address: int, count: int, offset: int, physical: bool) -> bytes:
        reads.sizes.append(count)
        return table.read(address, count)

    prog.add_memory_segment(PAGE_OFFSET, start - PAGE_OFFSET, linear)
    prog.add_memory_segment(start, end - start, vmalloc)
    return reads
