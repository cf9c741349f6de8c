# SPDX-License-Identifier: GPL-2.0-or-later
"""Filters of ftrace_ops, and their hashes and list, whole and damaged."""

import contextlib

import numpy as np
import pytest
from drgn import FaultError, Object
from hypothesis import given
from hypothesis import strategies as st

from klp_debug.kernel.ftrace_ops import (
    FtraceFilter,
    for_each_ftrace_ops,
    ftrace_hash_empty,
    ftrace_hash_entries,
    ftrace_ops_filter,
)
from klp_debug.kernel.walk import WalkError
from tests.support.memory import MemoryProgram

HASH, OTHER_HASH = 0x1000, 0x2000
ENTRIES = (0x1100, 0x1200, 0x1300)
BUCKETS = 0x1080
IPS = (0xC000000000010000, 0xC000000000020000, 0xC000000000030000)
NOWHERE = 0x80000
SIZE_BITS, BUCKETS_AT, COUNT, FLAGS = 0, 8, 16, 24
"""Where they are in the struct ftrace_hash below."""
FL_MOD = 1  # FTRACE_HASH_FL_MOD, kernel/trace/trace.h


class HashProgram(MemoryProgram):
    """Hashes of kernel/trace/ftrace.c, with two buckets each and what a test puts into them."""

    def __init__(self, *, has_flags: bool = True, has_direct: bool = True) -> None:
        super().__init__()
        u64 = self.u64
        direct = {"direct": u64} if has_direct else {}
        flags = {"flags": u64} if has_flags else {}
        node = self.struct("hlist_node", next="hlist_node", pprev=u64)
        self.struct("ftrace_func_entry", hlist=node, ip=u64, **direct)
        self.struct("ftrace_hash", size_bits=u64, buckets=u64, count=u64, **flags)
        self.struct("ftrace_ops_hash", notrace_hash="ftrace_hash", filter_hash="ftrace_hash")
        self.struct("ftrace_ops", func_hash="ftrace_ops_hash")

    def put_hash(self, address: int, *buckets: list[int]) -> None:
        """Write a hash; its buckets hold entries 0, 1 and 2, of :data:`IPS` and 0x100 + N each."""
        self.put(address, 1, address + 0x80, sum(map(len, buckets)), 0)
        for bucket, numbers in enumerate(buckets):
            links = [*(address + 0x100 * (number + 1) for number in numbers), 0]
            self.put(address + 0x80 + 8 * bucket, links[0])
            for number, node, following in zip(numbers, links, links[1:], strict=False):
                self.put(node, following, 0, IPS[number], 0x100 + number)

    def hash(self, address: int = HASH) -> Object:
        return self.at("ftrace_hash", address)


@given(
    everything=st.booleans(),
    chosen=st.frozensets(st.sampled_from(range(8))),
    notrace=st.frozensets(st.sampled_from(range(8))),
    ips=st.lists(st.sampled_from(range(8)), max_size=12),
)
def test_wants_what_ftrace_ops_test_says(
    everything: bool, chosen: frozenset[int], notrace: frozenset[int], ips: list[int]
) -> None:
    """In any order, of any number, for addresses that a signed doubleword cannot hold."""
    base = 0xC000000000000000

    def addresses(numbers: frozenset[int]) -> frozenset[int]:
        return frozenset(base + 4 * number for number in numbers)

    wanted = FtraceFilter(everything, addresses(chosen), addresses(notrace)).wants(
        np.array([base + 4 * ip for ip in ips], np.uint64)
    )
    assert wanted.dtype == np.bool_
    assert wanted.tolist() == [(everything or ip in chosen) and ip not in notrace for ip in ips]


def test_entries_of_all_buckets() -> None:
    program = HashProgram()
    program.put_hash(HASH, [1], [0, 2])
    assert ftrace_hash_entries(program.hash()) == {IPS[n]: 0x100 + n for n in range(3)}


def test_entries_of_a_kernel_without_direct_calls() -> None:
    program = HashProgram(has_direct=False)
    program.put_hash(HASH, [0], [])
    assert ftrace_hash_entries(program.hash()) == {IPS[0]: 0}


def test_no_entries() -> None:
    program = HashProgram()
    program.put(HASH, 1, NOWHERE, 0, 0)
    assert ftrace_hash_entries(program.hash()) == {}
    assert ftrace_hash_entries(program.hash(0)) == {}


def test_absurd_size_is_not_read() -> None:
    program = HashProgram()
    program.put_hash(HASH, [0], [])
    program.put(HASH + SIZE_BITS, 40)
    with pytest.raises(WalkError, match=r"0x1000 claims 2\^40 buckets"):
        ftrace_hash_entries(program.hash())


def test_entries_in_a_cycle() -> None:
    program = HashProgram()
    program.put_hash(HASH, [0, 1, 2], [])
    program.put(ENTRIES[2], ENTRIES[1])
    with pytest.raises(WalkError, match="0x1200 comes again"):
        ftrace_hash_entries(program.hash())


def test_buckets_that_share_their_entries() -> None:
    program = HashProgram()
    program.put_hash(HASH, [0, 1], [])
    program.put(BUCKETS + 8, ENTRIES[1])
    with pytest.raises(WalkError, match="0x1200 comes again"):
        ftrace_hash_entries(program.hash())


@pytest.mark.parametrize("where", [HASH + BUCKETS_AT, BUCKETS, ENTRIES[0]])
def test_leads_nowhere(where: int) -> None:
    """Its buckets, a bucket, the next of an entry."""
    program = HashProgram()
    program.put_hash(HASH, [0, 1], [2])
    program.put(where, NOWHERE)
    with pytest.raises(FaultError):
        ftrace_hash_entries(program.hash())


@given(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 9)), max_size=12))
def test_ends_whatever_it_holds(damage: list[tuple[int, int]]) -> None:
    program = HashProgram()
    program.put_hash(HASH, [0, 1], [2])
    places = [*range(HASH, HASH + 32, 8), BUCKETS, BUCKETS + 8, *ENTRIES]
    values = [0, 1, 7, 20, 21, HASH, *ENTRIES, (1 << 64) - 1]
    for where, value in damage:
        program.put(places[where], values[value])
    with contextlib.suppress(WalkError, FaultError):
        ftrace_hash_entries(program.hash())


def test_empty_means_everything() -> None:
    program = HashProgram()
    program.put_hash(HASH, [], [])
    assert ftrace_hash_empty(program.hash())
    assert ftrace_hash_empty(program.hash(0))
    program.put(HASH + COUNT, 1)
    assert not ftrace_hash_empty(program.hash())


def test_waiting_for_a_module_does_not_mean_everything() -> None:
    program = HashProgram()
    program.put_hash(HASH, [], [])
    program.put(HASH + FLAGS, FL_MOD)
    assert not ftrace_hash_empty(program.hash())


def test_empty_in_a_kernel_without_flags() -> None:
    program = HashProgram(has_flags=False)
    program.put(HASH, 1, BUCKETS, 0)
    assert ftrace_hash_empty(program.hash())


@pytest.mark.parametrize(
    ("filter_", "notrace", "wanted"),
    [
        ([], [], [True, True, True]),
        ([0, 2], [], [True, False, True]),
        ([0, 2], [2], [True, False, False]),
        ([], [1], [True, False, True]),
    ],
)
def test_filter_of_an_ops(filter_: list[int], notrace: list[int], wanted: list[bool]) -> None:
    program = HashProgram()
    program.put_hash(HASH, [], filter_)
    program.put_hash(OTHER_HASH, notrace, [])
    program.put(0x4000, 0x4100)
    program.put(0x4100, OTHER_HASH, HASH)
    found = ftrace_ops_filter(program.at("ftrace_ops", 0x4000))
    assert found.wants(np.array(IPS, np.uint64)).tolist() == wanted


END, FIRST, SECOND = 0x8000, 0x8100, 0x8200


@pytest.fixture
def ops_list() -> MemoryProgram:
    """A program with two registered ops."""
    program = MemoryProgram()
    ops = program.struct("ftrace_ops", next="ftrace_ops")
    program.variable("ftrace_list_end", ops, END)
    program.variable("ftrace_ops_list", program.pointer("ftrace_ops"), 0x7000)
    program.put(0x7000, FIRST)
    program.put(FIRST, SECOND)
    program.put(SECOND, END)
    return program


def walked(program: MemoryProgram) -> list[int]:
    return [ops.value_() for ops in for_each_ftrace_ops(program.prog)]


def test_registered_ops(ops_list: MemoryProgram) -> None:
    assert walked(ops_list) == [FIRST, SECOND]
    ops_list.put(0x7000, END)
    assert walked(ops_list) == []


@pytest.mark.parametrize(
    ("next_", "says"), [(0, "ends in NULL"), (FIRST, "0x8100 comes again"), (NOWHERE, "memory")]
)
def test_registered_ops_that_do_not_end(ops_list: MemoryProgram, next_: int, says: str) -> None:
    ops_list.put(SECOND, next_)
    with pytest.raises((WalkError, FaultError), match=says):
        walked(ops_list)
