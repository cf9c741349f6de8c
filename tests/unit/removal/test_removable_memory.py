# SPDX-License-Identifier: GPL-2.0-or-later
"""A dump's memory whose reads are noted, and parts of which can be taken away."""

import pytest
from drgn import Architecture, FaultError, Platform, PlatformFlags, Program

from tests.support.removal.removable_memory import RemovableMemory

PAGE = 0x1000
END = 4 * PAGE - 0x100
"""Of the memory: within its last page."""


def program() -> Program:
    flags = PlatformFlags.IS_64_BIT | PlatformFlags.IS_LITTLE_ENDIAN
    return Program(Platform(Architecture.PPC64, flags))


@pytest.fixture
def below() -> Program:
    def read(address: int, count: int, offset: int, physical: bool) -> bytes:
        return bytes((address + index) // PAGE for index in range(count))

    prog = program()
    prog.add_memory_segment(0, END, read, True)
    return prog


@pytest.fixture
def prog() -> Program:
    return program()


@pytest.fixture
def memory(prog: Program, below: Program) -> RemovableMemory:
    return RemovableMemory(prog, below, PAGE)


def test_reads_are_those_of_the_memory_below(prog: Program, memory: RemovableMemory) -> None:
    assert prog.read(0x1FFE, 4, True) == b"\1\1\2\2"
    assert prog.read(0x1FFC, 4, True) == b"\1\1\1\1"
    assert prog.read(END - 2, 2, True) == b"\3\3"
    with pytest.raises(FaultError):
        prog.read(END - 1, 2, True)


def test_each_page_that_is_read_is_noted(prog: Program, memory: RemovableMemory) -> None:
    prog.read(0, 4, True)
    with memory.noting() as touched:
        prog.read(0x1FFE, 4, True)
        prog.read(0x2010, 4, True)
    prog.read(0x3000, 4, True)
    assert {page: (one.first, one.end) for page, one in touched.items()} == {
        0x1000: (0x1FFE, 0x2000),
        0x2000: (0x2000, 0x2014),
    }


def test_what_is_removed_cannot_be_read(prog: Program, memory: RemovableMemory) -> None:
    assert prog.read(0x1000, 1, True) == b"\1"
    with memory.without([range(0x1000, 0x2000)]):
        for start, size in ((0x1000, 1), (0x1FFF, 1), (0xFFF, 2), (0, 0x3000)):
            with pytest.raises(FaultError, match="page 0x1000 is not in the dump"):
                prog.read(start, size, True)
        assert prog.read(0xFFF, 1, True) == b"\0"
        assert prog.read(0x2000, 1, True) == b"\2"
        assert memory.faulted
    assert prog.read(0x1000, 1, True) == b"\1"


def test_some_bytes_of_a_page(prog: Program, memory: RemovableMemory) -> None:
    with memory.without([range(0x1010, 0x1018), range(0x2000, 0x2008)]):
        assert prog.read(0x1000, 0x10, True) == b"\1" * 0x10
        assert prog.read(0x1018, 8, True) == b"\1" * 8
        for start in (0x100F, 0x1017, 0x2004):
            with pytest.raises(FaultError):
                prog.read(start, 2, True)
