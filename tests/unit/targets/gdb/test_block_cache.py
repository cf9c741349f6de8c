# SPDX-License-Identifier: GPL-2.0-or-later
"""A cache never tells what the memory behind it does not."""

import pytest
from drgn import FaultError
from hypothesis import given
from hypothesis import strategies as st

from klp_debug.targets.gdb.block_cache import BlockCache

SIZE = 1000
MEMORY = bytes(index * 7 % 256 for index in range(SIZE))


class Slow:
    """Memory that ends in the middle of a block, and counts how often it is read."""

    def __init__(self) -> None:
        self.memory = bytearray(MEMORY)
        self.reads: list[tuple[int, int]] = []

    def read(self, address: int, size: int) -> bytes:
        self.reads.append((address, size))
        if address + size > SIZE:
            raise FaultError("no memory", address)
        return bytes(self.memory[address : address + size])


@given(st.lists(st.tuples(st.integers(0, SIZE + 50), st.integers(0, 200)), max_size=20))
def test_what_is_read_is_what_is_there(places: list[tuple[int, int]]) -> None:
    cache = BlockCache(Slow().read, 64)
    for address, size in places:
        if size and address + size > SIZE:
            with pytest.raises(FaultError):
                cache.read(address, size)
        else:
            assert cache.read(address, size) == MEMORY[address : address + size]


def test_a_run_of_blocks_is_read_at_once_and_once() -> None:
    slow = Slow()
    cache = BlockCache(slow.read, 64)
    cache.read(130, 1)
    cache.read(10, 300)
    cache.read(0, 320)
    assert slow.reads == [(128, 64), (0, 128), (192, 128)]


def test_what_was_written_is_read_again() -> None:
    slow = Slow()
    cache = BlockCache(slow.read, 64)
    cache.read(0, 256)
    slow.memory[100] ^= 0xFF
    assert cache.read(100, 1) == MEMORY[100:101]
    cache.drop(100, 1)
    assert cache.read(100, 1) != MEMORY[100:101]
    slow.memory[200] ^= 0xFF
    cache.clear()
    assert cache.read(200, 1) != MEMORY[200:201]
