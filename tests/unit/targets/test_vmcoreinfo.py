# SPDX-License-Identifier: GPL-2.0-or-later
"""The note is found in physical memory by its header, whatever pages are missing around it."""

import struct

import pytest
from drgn import Architecture, Platform, PlatformFlags, Program

from klp_debug.errors import TargetError
from klp_debug.targets.vmcoreinfo import find_vmcoreinfo
from tests.support.paged_memory import PAGE, PagedMemory

TEXT = b"OSRELEASE=6.1.0\nPAGESIZE=4096\nSYMBOL(swapper_pg_dir)=c000000001000000\n"
NOTE = struct.pack("<III", 11, len(TEXT), 0) + b"VMCOREINFO\0\0" + TEXT
PAGES = 64


def memory_of(*lost: int, note_on: int = 40) -> Program:
    """Return a program of some pages, of which one has the note and some are lost."""
    memory = PagedMemory()
    for page in range(PAGES):
        memory.write(page * PAGE, bytes(PAGE))
    memory.write(note_on * PAGE, NOTE)
    for page in lost:
        memory.lose(page * PAGE)
    prog = Program(
        Platform(Architecture.PPC64, PlatformFlags.IS_64_BIT | PlatformFlags.IS_LITTLE_ENDIAN)
    )
    prog.add_memory_segment(
        0, PAGES * PAGE, lambda address, count, *_: memory.read(address, count), True
    )
    return prog


RAM = [range(PAGES * PAGE)]


def test_all_of_it_is_there() -> None:
    assert find_vmcoreinfo(memory_of()).release == "6.1.0"
    assert find_vmcoreinfo(memory_of(), RAM).release == "6.1.0"


@pytest.mark.parametrize("lost", [(0,), (39,), (41,), (3, 4, 20), tuple(range(40)), (63,)])
def test_pages_around_it_are_missing(lost: tuple[int, ...]) -> None:
    assert find_vmcoreinfo(memory_of(*lost), RAM).release == "6.1.0"


def test_in_a_later_part_of_memory() -> None:
    parts = [range(10 * PAGE), range(30 * PAGE, PAGES * PAGE)]
    assert find_vmcoreinfo(memory_of(*range(10, 31)), parts).release == "6.1.0"


def test_it_is_missing_itself() -> None:
    with pytest.raises(TargetError, match="no vmcoreinfo in the target's memory"):
        find_vmcoreinfo(memory_of(40), RAM)


def test_it_is_not_sought_without_end() -> None:
    prog = memory_of(*range(40))
    with pytest.raises(TargetError):
        find_vmcoreinfo(prog, [range(PAGES * PAGE, 1 << 62)])
