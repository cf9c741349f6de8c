# SPDX-License-Identifier: GPL-2.0-or-later
"""Words at many places, against a memory of our own that counts its reads."""

import struct

import numpy as np
from drgn import Architecture, FaultError, Platform, Program
from hypothesis import given
from hypothesis import strategies as st

from klp_debug.targets.bulk import read_words

PAGE = 4096
BASE = 0xC000000000000000


class CountedMemory:
    """Pages whose doublewords hold their own address; all others are unmapped."""

    def __init__(self, pages: set[int]) -> None:
        self.reads = 0
        self._pages = pages
        self.prog = Program(Platform(Architecture.PPC64))
        self.prog.add_memory_segment(0, (1 << 64) - 1, self._read)

    def _read(self, address: int, count: int, offset: int, physical: bool) -> bytes:
        self.reads += 1
        if any(page not in self._pages for page in pages_of(address, count)):
            raise FaultError("unmapped", address)
        return content(address, count)


def pages_of(address: int, count: int) -> range:
    return range(address // PAGE, (address + count - 1) // PAGE + 1)


def content(address: int, count: int) -> bytes:
    start = address & -8
    words = range(start, address + count + 8, 8)
    data = struct.pack(f"<{len(words)}Q", *words)
    return data[address - start : address - start + count]


@given(
    st.lists(st.integers(BASE - 3, BASE + 40 * PAGE), max_size=30),
    st.sets(st.integers(0, 40)),
    st.integers(1, 6),
)
def test_every_readable_place_is_read_and_no_other(
    addresses: list[int], pages: set[int], count: int
) -> None:
    memory = CountedMemory({BASE // PAGE + page for page in pages})
    words, readable = read_words(memory.prog, np.array(addresses, np.uint64), count, PAGE)
    assert words.shape == (len(addresses), count)
    for address, row, known in zip(addresses, words, readable, strict=True):
        mapped = all(page - BASE // PAGE in pages for page in pages_of(address, 4 * count))
        assert known == mapped
        expected = content(address, 4 * count) if mapped else bytes(4 * count)
        assert row.astype("<u4").tobytes() == expected


def test_few_reads() -> None:
    memory = CountedMemory(set(range(BASE // PAGE, BASE // PAGE + 4096)))
    addresses = np.arange(BASE, BASE + 16 * (1 << 20) - 64, 64, dtype=np.uint64)
    _, readable = read_words(memory.prog, addresses, 3, PAGE)
    assert readable.all()
    assert memory.reads <= 17


def test_places_far_apart_are_read_apart() -> None:
    memory = CountedMemory({BASE // PAGE, 2 * BASE // 3 // PAGE})
    addresses = np.array([BASE, 2 * BASE // 3], np.uint64)
    _, readable = read_words(memory.prog, addresses, 1, PAGE)
    assert readable.tolist() == [True, True]
    assert memory.reads == 2


def test_the_end_of_the_address_space() -> None:
    memory = CountedMemory(set())
    _, readable = read_words(memory.prog, np.array([(1 << 64) - 4], np.uint64), 2, PAGE)
    assert not readable.any()
