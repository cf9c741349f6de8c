# SPDX-License-Identifier: GPL-2.0-or-later
"""The connection that GDB has: whose stub is at the other end, its memory, its registers."""

import contextlib
import time
from collections.abc import Iterator

import gdb
from drgn import FaultError

from klp_debug.errors import TargetError
from klp_debug.targets.gdb.answers import (
    REGISTERS,
    exceptions_of,
    has_memory,
    ram_of,
    status_of,
    whose_stub,
)
from klp_debug.targets.gdb.block_cache import BLOCK_SIZES, BlockCache
from klp_debug.targets.gdb.process import GdbCommandError
from klp_debug.targets.notes import Prstatus
from klp_debug.targets.writable import StubVendor

_ALL = (1 << 64) - 1


class HostConnection:
    """
    A kernel that this GDB stopped; implements ``StoppedKernel`` of ``targets/gdb/stopped.py``.

    What is read is kept until :meth:`forget`.
    """

    def __init__(self, connection: gdb.RemoteTargetConnection) -> None:
        """
        Look at a connection.

        :raises TargetError: if it is no kernel's, or the kernel runs
        """
        self._connection = connection
        self._since = time.monotonic()
        if any(thread.is_running() for thread in gdb.selected_inferior().threads()):
            raise TargetError("the target runs: stop it first (Ctrl-C, or `interrupt`)")
        try:
            kind = whose_stub(self._packet)
            if kind is None:
                raise TargetError(
                    "GDB is connected neither to KGDB nor to the stub of a whole machine in QEMU"
                    " 4.1 or later; klp-debug reads ppc64le Linux kernels"
                )
            self._kind = kind
            self._ram = [range(1 << 64)]
            if kind == "QEMU":
                self._ram = ram_of(self._monitor("info mtree -f"))
        except gdb.error as error:
            raise TargetError(f"GDB's target cannot be asked: {error}") from None
        if not self._ram:
            raise TargetError("QEMU does not tell where the guest's RAM is")
        self._cache = BlockCache(self.read_now, BLOCK_SIZES[kind])

    @property
    def kind(self) -> StubVendor:
        """Whose stub it is."""
        return self._kind

    @property
    def paused(self) -> float | None:
        """Seconds since the target was looked at; it is stopped as long as GDB runs a command."""
        return time.monotonic() - self._since

    def forget(self) -> None:
        """Drop what was read: the target runs, or someone wrote to it."""
        self._cache.clear()

    def read(self, address: int, size: int) -> bytes:
        """
        Read memory: of QEMU by physical address, over KGDB by virtual.

        :raises drgn.FaultError: if a byte of it cannot be read
        """
        return self._cache.read(address, size)

    def read_now(self, address: int, size: int) -> bytes:
        """Read as :meth:`read` does, from the target whatever was read before."""
        if not has_memory(self._ram, address, size):
            raise FaultError("no memory of the target", address)
        try:
            with self._addressing():
                return bytes(gdb.selected_inferior().read_memory(address, size))
        except gdb.error as error:
            raise FaultError(str(error).rstrip("."), address) from None

    def write(self, address: int, data: bytes) -> None:
        """
        Write memory, addressed as it is read.

        :raises GdbCommandError: if the stub does not take it
        """
        if not has_memory(self._ram, address, len(data)):
            raise GdbCommandError("no memory of the target")
        self._cache.drop(address, len(data))
        try:
            with self._addressing():
                gdb.selected_inferior().write_memory(address, data)
            # GDB keeps text and stacks by virtual address, and does not know that they changed.
            gdb.execute("maint flush dcache", to_string=True)
        except gdb.error as error:
            raise GdbCommandError(str(error)) from None

    def ram(self) -> list[range]:
        """Return where QEMU's guest has RAM."""
        return self._ram

    def registers(self) -> list[Prstatus]:
        """
        Return the registers of QEMU's CPUs, in QEMU's order; the user's thread stays selected.

        :raises TargetError: if GDB cannot be asked
        """
        selected = gdb.selected_thread()
        frame = gdb.selected_frame() if selected is not None else None
        try:
            threads = sorted(gdb.selected_inferior().threads(), key=lambda thread: thread.num)
            return [_registers(thread) for thread in threads]
        except (gdb.error, ValueError) as error:
            raise TargetError(f"registers cannot be read: {error}") from None
        finally:
            if selected is not None and selected.is_valid():
                selected.switch()
            if frame is not None and frame.is_valid():
                frame.select()

    def exceptions(self) -> list[tuple[int, int]]:
        """
        Return SRR0 and SRR1 of QEMU's CPUs, in QEMU's order.

        :raises TargetError: if QEMU cannot be asked
        """
        try:
            return exceptions_of(self._monitor("info registers -a"))
        except gdb.error as error:
            raise TargetError(f"registers cannot be read: {error}") from None

    def _packet(self, packet: str) -> str:
        answer = self._connection.send_packet(packet)
        return (answer or b"").decode("ascii", "replace")

    def _monitor(self, command: str) -> str:
        return gdb.execute(f"monitor {command}", to_string=True)

    @contextlib.contextmanager
    def _addressing(self) -> Iterator[None]:
        """
        Address QEMU's memory by physical address in the block, and by virtual again behind it.

        By virtual address the selected CPU would read, and one in user mode sees no kernel memory.
        """
        if self._kind == "KGDB":
            yield
            return
        if self._packet("Qqemu.PhyMemMode:1") != "OK":
            raise gdb.error("QEMU does not let physical memory be read")
        try:
            yield
        finally:
            self._packet("Qqemu.PhyMemMode:0")


def _registers(thread: gdb.InferiorThread) -> Prstatus:
    thread.switch()
    frame = gdb.newest_frame()
    return status_of({name: int(frame.read_register(name)) & _ALL for name in REGISTERS})
