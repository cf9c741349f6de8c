# SPDX-License-Identifier: GPL-2.0-or-later
"""The kernel's log: a ring and a buffer that are what a test says, whole and damaged."""

import contextlib
import struct

import pytest
from drgn import FaultError, Object
from hypothesis import example, given
from hypothesis import strategies as st

from klp_debug.kernel.log import LogRecord, for_each_log_record
from klp_debug.kernel.walk import WalkError
from tests.support.memory import MemoryProgram

COMMITTED, FINALIZED, REUSABLE = 1, 2, 3
RING, DESCS, INFOS, TEXT = 0x1000, 0x2000, 0x3000, 0x4000
COUNT_BITS, TEXT_BITS = 2, 6
DESC_SIZE, INFO_SIZE = 24, 16


class RingProgram(MemoryProgram):
    """A printk ring of 4 records and 64 bytes of text, whose first record has the id 5."""

    def __init__(self) -> None:
        super().__init__()
        atomic = self.struct("atomic_long_t", counter=self.u64)
        lpos = self.struct("prb_data_blk_lpos", begin=self.u64, next=self.u64)
        self.struct("prb_desc", state_var=atomic, text_blk_lpos=lpos)
        self.struct("printk_info", ts_nsec=self.u64, text_len=self.u64)
        descs = self.struct(
            "prb_desc_ring",
            count_bits=self.u64,
            descs="prb_desc",
            infos="printk_info",
            head_id=atomic,
            tail_id=atomic,
        )
        data = self.struct("prb_data_ring", size_bits=self.u64, data=self.u64)
        self.struct("printk_ringbuffer", desc_ring=descs, text_data_ring=data)
        for number, name in enumerate(("desc_committed", "desc_finalized"), COMMITTED):
            self._variables[name] = Object(self.prog, self.u64, number)
        self.put(0x800, RING)
        self.variable("prb", self.pointer("printk_ringbuffer"), 0x800)
        self.put(RING, COUNT_BITS, DESCS, INFOS, 5, 5, TEXT_BITS, TEXT)
        self.put(TEXT, *[0x7878787878787878] * 8)
        for id_ in range(4):
            self.put(DESCS + id_ * DESC_SIZE, 0, 1, 1)
            self.put(INFOS + id_ * INFO_SIZE, 0, 0)

    def record(
        self, id_: int, text: bytes, begin: int, *, state: int = FINALIZED, next_: int | None = None
    ) -> None:
        """Write a record, whose block begins with its id, and make it the newest."""
        self.put(RING + 24, id_)
        padded = text.ljust(-(-len(text) // 8) * 8, b"\0")
        if next_ is None:
            next_ = begin + 8 + len(padded)
        self.put(DESCS + id_ % 4 * DESC_SIZE, state << 62 | id_, begin, next_)
        self.put(INFOS + id_ % 4 * INFO_SIZE, id_ * 1_000_000_000, len(text))
        # One that does not fit before the end of the ring lies at its beginning.
        start = begin % 64 if begin // 64 == (next_ - 1) % (1 << 64) // 64 else 0
        words = struct.unpack(f"<{len(padded) // 8}Q", padded)
        self.put(TEXT + start, id_, *words)

    def log(self) -> list[tuple[float, str]]:
        return [(record.seconds, record.text) for record in for_each_log_record(self.prog)]


def test_records_in_order() -> None:
    program = RingProgram()
    program.record(5, b"one", 64, state=COMMITTED)
    program.record(6, b"two \xff", 80)
    assert program.log() == [(5, "one"), (6, r"two \xff")]


def test_a_record_that_wraps() -> None:
    program = RingProgram()
    program.record(5, b"wrapped at the end", 64 + 48, next_=128 + 32)
    assert program.log() == [(5, "wrapped at the end")]


def test_a_record_that_ends_with_the_ring() -> None:
    program = RingProgram()
    program.record(5, b"to the end", 64 + 40)
    assert program.log() == [(5, "to the end")]


def test_a_record_that_ends_with_all_positions() -> None:
    program = RingProgram()
    program.record(5, b"to the end", (1 << 64) - 24, next_=0)
    assert program.log() == [(5, "to the end")]


def test_a_record_that_wraps_with_all_positions() -> None:
    """The first to wrap of a kernel does, since its positions begin one ring before 2**64."""
    program = RingProgram()
    program.record(5, b"wrapped at the end", (1 << 64) - 16, next_=32)
    assert program.log() == [(5, "wrapped at the end")]


def test_records_without_text() -> None:
    program = RingProgram()
    program.record(5, b"here", 64)
    program.put(RING + 24, 7)
    program.put(DESCS + 2 * DESC_SIZE, FINALIZED << 62 | 6, 3, 3)  # an empty line
    program.put(DESCS + 3 * DESC_SIZE, FINALIZED << 62 | 7, 1, 1)  # its text was lost
    assert program.log() == [(5, "here"), (0, "")]


def test_a_record_being_written_or_overwritten() -> None:
    program = RingProgram()
    program.record(5, b"gone", 64, state=REUSABLE)
    program.record(6, b"here", 80)
    program.record(7, b"begun", 96, state=0)
    assert program.log() == [(6, "here")]


def test_a_bad_record_costs_no_other() -> None:
    program = RingProgram()
    program.record(5, b"one", 64)
    program.record(6, b"two", 80)
    program.put(DESCS + 1 * DESC_SIZE, FINALIZED << 62 | 5, 64, 1 << 40)
    seen = []
    with pytest.raises(WalkError, match="1 of 2: a record of the log reaches from 0x40"):  # noqa: PT012
        for record in for_each_log_record(program.prog):
            seen.append(record.text)  # noqa: PERF401
    assert seen == ["two"]


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [(0, 60, "count_bits is 60"), (24, 4, "head_id 0x4"), (24, 1 << 50, "in a ring of 4")],
)
def test_a_damaged_ring(place: int, value: int, message: str) -> None:
    program = RingProgram()
    program.record(5, b"one", 64)
    program.put(RING + place, value)
    with pytest.raises(WalkError, match=message):
        program.log()


def test_an_unreadable_ring() -> None:
    program = RingProgram()
    program.put(0x800, 0x80000)
    with pytest.raises(FaultError):
        program.log()


def test_no_log() -> None:
    with pytest.raises(LookupError):
        list(for_each_log_record(MemoryProgram().prog))


@example([(RING + 48, (1 << 64) - 1)])
@given(
    st.lists(
        st.tuples(
            st.sampled_from([*range(RING, RING + 56, 8), *range(DESCS, DESCS + 96, 8)]),
            st.sampled_from([0, 1, 2, 3, 5, 64, 1 << 30, 1 << 40, (1 << 64) - 1, TEXT]),
        ),
        max_size=4,
    )
)
def test_ends_whatever_the_ring_is(damage: list[tuple[int, int]]) -> None:
    program = RingProgram()
    program.record(5, b"one", 64)
    for place, value in damage:
        program.put(place, value)
    with contextlib.suppress(WalkError, FaultError):
        program.log()


BUFFER = 0x5000


class PrintkLogProgram(MemoryProgram):
    """The log of a kernel before 5.10."""

    def __init__(self, *, first: int, end: int, size: int) -> None:
        super().__init__()
        u16 = self.prog.int_type("unsigned short", 2, False)
        rest = self.prog.int_type("unsigned int", 4, False)
        self.struct("printk_log", ts_nsec=self.u64, len=u16, text_len=u16, rest=rest)
        variables = {"log_buf": BUFFER, "log_buf_len": size}
        variables |= {"log_first_idx": first, "log_next_idx": end}
        for name, value in variables.items():
            self._variables[name] = Object(self.prog, self.u64, value)

    def record(self, at: int, text: bytes, *, length: int | None = None) -> int:
        padded = text.ljust(-(-len(text) // 8) * 8, b"\0")
        length = 16 + len(padded) if length is None else length
        words = struct.unpack(f"<{len(padded) // 8}Q", padded)
        self.put(BUFFER + at, 2_500_000_000, length | len(text) << 16, *words)
        return at + length

    def log(self) -> list[LogRecord]:
        return list(for_each_log_record(self.prog))


def test_log_before_the_ring() -> None:
    program = PrintkLogProgram(first=0, end=48, size=0x100)
    assert program.record(program.record(0, b"one"), b"two") == 48
    assert program.log() == [LogRecord(2_500_000_000, "one"), LogRecord(2_500_000_000, "two")]


def test_log_before_the_ring_that_wrapped() -> None:
    program = PrintkLogProgram(first=0x80, end=24, size=0x100)
    program.record(program.record(0x80, b"one"), b"", length=0)
    program.record(0, b"two")
    assert program.log() == [LogRecord(2_500_000_000, "one"), LogRecord(2_500_000_000, "two")]


@pytest.mark.parametrize(
    ("length", "message"),
    [(0, "has no end"), (8, "are too few"), (0xFFF0, "no record can be at 0xfff0")],
)
def test_damaged_log_before_the_ring(length: int, message: str) -> None:
    program = PrintkLogProgram(first=0, end=48, size=0x100)
    program.record(0, b"one", length=length)
    with pytest.raises(WalkError, match=message):
        program.log()
