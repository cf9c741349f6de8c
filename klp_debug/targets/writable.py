# SPDX-License-Identifier: GPL-2.0-or-later
"""Memory that a debugger can write."""

from typing import Literal, Protocol

StubVendor = Literal["QEMU", "KGDB"]


class WritableMemory(Protocol):
    """Memory of a stopped target that takes writes."""

    @property
    def kind(self) -> StubVendor:
        """Whose stub it is."""
        ...

    def read(self, address: int, size: int) -> bytes:
        """
        Read virtual memory from the target itself, never from a cache.

        :raises drgn.FaultError: if it cannot be read
        """
        ...

    def write(self, address: int, data: bytes) -> None:
        """
        Write virtual memory.

        :raises WriteRefusedError: if the target does not take it
        """
        ...
