# SPDX-License-Identifier: GPL-2.0-or-later
"""A kernel that a GDB holds stopped: a GDB of ours, or the one inside of which we run."""

from typing import Protocol

from klp_debug.targets.notes import Prstatus
from klp_debug.targets.writable import StubVendor


class StoppedKernel(Protocol):
    """What its stub can be asked; addresses are physical of QEMU, virtual over KGDB."""

    @property
    def kind(self) -> StubVendor:
        """Whose stub it is."""
        ...

    @property
    def paused(self) -> float | None:
        """Seconds since the target was stopped; None if it runs."""
        ...

    def read(self, address: int, size: int) -> bytes:
        """
        Read memory, once for as long as the target is stopped.

        :raises drgn.FaultError: if a byte of it cannot be read
        """
        ...

    def read_now(self, address: int, size: int) -> bytes:
        """Read as :meth:`read` does, from the target whatever was read before."""
        ...

    def write(self, address: int, data: bytes) -> None:
        """
        Write memory.

        :raises GdbCommandError: if the stub does not take it
        """
        ...

    def ram(self) -> list[range]:
        """Return where QEMU's guest has RAM."""
        ...

    def registers(self) -> list[Prstatus]:
        """Return the registers of QEMU's CPUs, in QEMU's order."""
        ...

    def exceptions(self) -> list[tuple[int, int]]:
        """Return SRR0 and SRR1 of QEMU's CPUs, in QEMU's order."""
        ...
