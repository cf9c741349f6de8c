# SPDX-License-Identifier: GPL-2.0-or-later
import contextlib

import pytest
from drgn import Architecture, FaultError, Object, Platform, Program
from hypothesis import given
from hypothesis import strategies as st

from klp_debug.kernel.walk import WalkError, c_string, for_each_list_entry
from tests.support.memory import LIST_ADDRESS, ListProgram

ENTRIES = (0x2000, 0x3000, 0x4000)


def walk(program: ListProgram) -> list[int]:
    entries = for_each_list_entry("struct entry", program.head, "node")
    return [entry.value.value_() for entry in entries]


def test_walks_in_order() -> None:
    program = ListProgram()
    program.link(*ENTRIES)
    assert walk(program) == [0, 1, 2]


def test_empty_list() -> None:
    program = ListProgram()
    program.link()
    assert walk(program) == []


def test_yields_what_comes_before_the_damage() -> None:
    program = ListProgram()
    program.link(*ENTRIES)
    program.put(ENTRIES[1] + 8, 0x80000)  # next of the second leads to unmapped memory
    seen = []
    with pytest.raises(FaultError):  # noqa: PT012 - the entries before it are the point
        for entry in for_each_list_entry("struct entry", program.head, "node"):
            seen.append(entry.value.value_())  # noqa: PERF401
    assert seen == [0, 1]


def test_null_next() -> None:
    program = ListProgram()
    program.link(*ENTRIES)
    program.put(ENTRIES[1] + 8, 0)
    with pytest.raises(WalkError, match="next of 0x3008 is NULL"):
        walk(program)


def test_cycle_that_misses_the_head() -> None:
    program = ListProgram()
    program.link(*ENTRIES)
    program.put(ENTRIES[2] + 8, ENTRIES[1] + 8)
    with pytest.raises(WalkError, match=r"cycle: 0x3008 comes again|prev of"):
        walk(program)


def test_broken_prev() -> None:
    program = ListProgram()
    program.link(*ENTRIES)
    program.put(ENTRIES[2] + 16, LIST_ADDRESS)
    with pytest.raises(WalkError, match="prev of 0x4008 is 0x1000, not 0x3008"):
        walk(program)


@given(st.lists(st.tuples(st.sampled_from(range(8)), st.sampled_from(range(9))), max_size=12))
def test_ends_whatever_the_links_are(damage: list[tuple[int, int]]) -> None:
    """Any links among the nodes, or to nowhere: the walk ends, and with one of two errors."""
    program = ListProgram()
    program.link(*ENTRIES)
    links = [LIST_ADDRESS, LIST_ADDRESS + 8]
    links += [entry + offset for entry in ENTRIES for offset in (8, 16)]
    values = [LIST_ADDRESS, *(entry + 8 for entry in ENTRIES), 0, 0x80000, 0xFFFFF, 7, 1 << 63]
    for where, value in damage:
        program.put(links[where], values[value])
    with contextlib.suppress(WalkError, FaultError):
        walk(program)


PAGE = 4096


def string_at(offset: int, memory: bytes, limit: int = 512) -> tuple[str, int]:
    """Return what is read at an offset into the only page there is, and with how many reads."""
    prog = Program(Platform(Architecture.PPC64))
    reads = []

    def read(address: int, count: int, offset: int, physical: bool) -> bytes:
        reads.append(address)
        return memory[offset : offset + count]

    prog.add_memory_segment(0x10000, PAGE, read)
    char = prog.int_type("char", 1, True)
    pointer = Object(prog, prog.pointer_type(char), 0x10000 + offset)
    return c_string(pointer, limit), len(reads)


@given(
    st.text(st.characters(min_codepoint=1, max_codepoint=127), max_size=300),
    st.integers(0, PAGE - 301),
)
def test_string_is_read_by_lines(text: str, offset: int) -> None:
    memory = bytearray(b"x" * PAGE)
    memory[offset : offset + len(text) + 1] = text.encode() + b"\0"
    found, reads = string_at(offset, bytes(memory))
    assert found == text
    assert reads <= len(text) // 64 + 2


def test_string_at_the_end_of_what_can_be_read() -> None:
    memory = b"x" * (PAGE - 1) + b"\0"
    assert string_at(PAGE - 4, memory)[0] == "xxx"


def test_string_without_an_end() -> None:
    assert string_at(0, b"x" * PAGE, limit=100)[0] == "x" * 100
    with pytest.raises(FaultError):
        string_at(PAGE - 10, b"x" * PAGE)
