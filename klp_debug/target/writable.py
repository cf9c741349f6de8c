# SPDX-License-Identifier: GPL-2.0-or-later
"""Memory that can be written: what a debugger holds stopped."""

from typing import Literal, Protocol

StubKind = Literal["QEMU", "KGDB"]


class WritableMemory(Protocol):
    """Memory of a stopped target that takes writes."""

    @property
    def kind(self) -> StubKind:
        """Whose stub it is; KGDB cannot write text."""

    def read(self, address: int, size: int) -> bytes:
        """
        Read virtual memory from the target itself, never from a cache.

        :param size: in bytes
        :raises drgn.FaultError: if it cannot be read
        """

    def write(self, address: int, data: bytes) -> None:
        """
        Write virtual memory.

        :raises WriteRefusedError: if the target does not take it
        """
