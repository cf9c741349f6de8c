# SPDX-License-Identifier: GPL-2.0-or-later
"""What was read of a stopped target is the same when it is read again."""

from collections.abc import Callable

from drgn import FaultError

from klp_debug.targets.writable import StubVendor

BLOCK_SIZES: dict[StubVendor, int] = {"QEMU": 4096, "KGDB": 1024}
"""Bytes read of a stub at once: a local socket counts packets, a serial line counts bytes."""
Read = Callable[[int, int], bytes]
"""(address, size in bytes) -> bytes; raises drgn.FaultError."""


class BlockCache:
    """Keeps whole blocks of what a slow reader read."""

    def __init__(self, read: Read, block_size: int) -> None:
        """
        Begin with nothing kept.

        :param block_size: bytes, a power of two
        """
        self._read = read
        self._block_size = block_size
        self._blocks: dict[int, bytes] = {}

    def read(self, address: int, size: int) -> bytes:
        """
        Read memory; what lies in blocks not kept yet takes one read for each run of them.

        :raises drgn.FaultError: if a byte of it cannot be read
        """
        if not size:
            return b""
        blocks = range(address & -self._block_size, address + size, self._block_size)
        try:
            self._fetch([block for block in blocks if block not in self._blocks])
        except FaultError:
            return self._read(address, size)  # the rest of a block may be what cannot be read
        data = b"".join(self._blocks[block] for block in blocks)
        start = address - blocks.start
        return data[start : start + size]

    def drop(self, address: int, size: int) -> None:
        """Forget the blocks of a range."""
        for block in range(address & -self._block_size, address + size, self._block_size):
            self._blocks.pop(block, None)

    def clear(self) -> None:
        """Forget all: the target runs."""
        self._blocks.clear()

    def _fetch(self, missing: list[int]) -> None:
        while missing:
            count = 1
            while missing[count : count + 1] == [missing[0] + count * self._block_size]:
                count += 1
            data = self._read(missing[0], count * self._block_size)
            for index in range(count):
                start = index * self._block_size
                self._blocks[missing[index]] = data[start : start + self._block_size]
            del missing[:count]
