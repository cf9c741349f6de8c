# SPDX-License-Identifier: GPL-2.0-or-later
"""Physical memory that is read page by page, and memory that must not be read at all."""

from collections.abc import Callable

from drgn import FaultError, Program

PageRead = Callable[[int], bytes]
"""Reads one page: its page frame number -> its bytes; raises drgn.FaultError."""

_EVERYTHING = (1 << 64) - 1


def read_pages(page: PageRead, page_size: int, address: int, size: int) -> bytes:
    """
    Read physical memory.

    :param page_size: bytes
    :raises drgn.FaultError: if a page of it cannot be read
    """
    parts = []
    while size > 0:
        frame, within = divmod(address, page_size)
        count = min(size, page_size - within)
        parts.append(page(frame)[within : within + count])
        address += count
        size -= count
    return b"".join(parts)


def add_pages(prog: Program, page: PageRead, page_size: int, frames: int) -> None:
    """
    Let a program read physical memory by its pages.

    :param page_size: bytes
    :param frames: how many pages there are, from physical address 0
    """

    def read(address: int, count: int, offset: int, physical: bool) -> bytes:
        return read_pages(page, page_size, address, count)

    prog.add_memory_segment(0, frames * page_size, read, True)


def add_refusal(prog: Program) -> None:
    """
    Let no read of a program reach the reader it has, virtual or physical.

    Of a kdump file that was cut short, libkdumpfile dies of a bus error (SIGBUS) where it reads
    behind the end. What is added to the program after this can be read.
    """
    for physical in (False, True):
        add_absent(prog, range(_EVERYTHING), "not in the dump", physical=physical)


def add_absent(prog: Program, addresses: range, why: str, *, physical: bool) -> None:
    """
    Let reads of a range of addresses fail.

    :param why: what the error says
    """

    def refuse(address: int, count: int, offset: int, physical: bool) -> bytes:
        raise FaultError(why, address)

    prog.add_memory_segment(addresses.start, addresses.stop - addresses.start, refuse, physical)
