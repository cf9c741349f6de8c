# SPDX-License-Identifier: GPL-2.0-or-later
"""Kernel memory through a stub: for drgn to read, and for writing."""

from collections.abc import Callable, Iterator

from drgn import FaultError, Program

from klp_debug.errors import WriteRefusedError
from klp_debug.targets.gdb.process import GdbCommandError
from klp_debug.targets.gdb.stopped import StoppedKernel
from klp_debug.targets.interrupts import kept
from klp_debug.targets.translation import PAGE_OFFSET, KernelTranslation
from klp_debug.targets.writable import StubVendor

_ALL = (1 << 64) - 1


def read_linear_map(session: StoppedKernel, address: int, size: int) -> bytes:
    """
    Read the kernel's linear map by virtual address.

    :raises drgn.FaultError: if it cannot be read
    """
    return session.read(address & ~PAGE_OFFSET if session.kind == "QEMU" else address, size)


def add_physical_memory(prog: Program, session: StoppedKernel) -> None:
    """Let a program read the RAM of a QEMU guest."""
    for ram in session.ram():
        prog.add_memory_segment(ram.start, len(ram), kept(session.read), True)


def add_virtual_memory(prog: Program, session: StoppedKernel) -> None:
    """Let a program read what KGDB reads; after what drgn itself adds for a kernel."""
    prog.add_memory_segment(0, _ALL, kept(session.read))


class StubMemory:
    """Memory that takes writes, as :class:`klp_debug.targets.writable.WritableMemory` has it."""

    def __init__(self, session: StoppedKernel, prog: Program, page_size: int) -> None:
        """
        Prepare to read and write past every cache.

        :param prog: reads the kernel's variables
        :param page_size: bytes
        :raises drgn.FaultError, LookupError, ValueError: if it cannot be told how the kernel maps
            its memory
        """
        self._session = session
        self._translate: Callable[[int], tuple[int, int]] = _as_it_is
        if session.kind == "QEMU":
            self._translate = KernelTranslation.of(prog, page_size, session.read_now).translate

    @property
    def kind(self) -> StubVendor:
        """Whose stub it is."""
        return self._session.kind

    def read(self, address: int, size: int) -> bytes:
        """
        Read virtual memory from the target itself, never from a cache.

        :raises drgn.FaultError: if it cannot be read
        """
        pieces = list(self._pieces(address, size))
        return b"".join(self._session.read_now(place, count) for place, count in pieces)

    def write(self, address: int, data: bytes) -> None:
        """
        Write virtual memory.

        :raises WriteRefusedError: if the target does not take it
        """
        try:
            pieces = list(self._pieces(address, len(data)))
        except FaultError as fault:
            raise WriteRefusedError(f"{address:#x} cannot be written: {fault}") from None
        done = 0
        for place, count in pieces:
            try:
                self._session.write(place, data[done : done + count])
            except GdbCommandError as error:
                raise WriteRefusedError(
                    f"{len(data)} bytes at {address:#x} cannot be written: {self._why(error)}"
                ) from None
            done += count

    def _why(self, error: GdbCommandError) -> str:
        if self.kind == "KGDB":
            return (
                "KGDB answers E14 (EFAULT), as it writes through the kernel's own mapping, in which"
                " text and constants are read-only"
            )
        return str(error).rstrip(".")

    def _pieces(self, address: int, size: int) -> Iterator[tuple[int, int]]:
        """Yield where a range is, as the stub is asked for it, and the bytes there."""
        while size > 0:
            place, left = self._translate(address)
            yield place, min(size, left)
            address, size = address + left, size - left


def _as_it_is(address: int) -> tuple[int, int]:
    return address, _ALL - address
