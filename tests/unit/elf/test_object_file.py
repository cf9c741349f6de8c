# SPDX-License-Identifier: GPL-2.0-or-later
"""Object files that are damaged, cut short or hostile: read right, or refused in one sentence."""

import contextlib
import os
import struct
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from klp_debug.elf.object_file import ObjectFile
from klp_debug.errors import ForeignFileError, TargetError
from tests.support.listing_object import seed_object
from tests.support.made_object import ALLOC, EXEC, MadeObject
from tests.support.made_patch import made_patch
from tests.support.scan_refusal import refused, scan
from tests.support.strategies import words

SEED = seed_object().content()
PATCH = made_patch().content()
SECTION_HEADER, FILE_HEADER = 64, 64


@pytest.mark.parametrize("whole", [SEED, PATCH], ids=["seed", "patch"])
def test_cut_at_any_byte(tmp_path: Path, whole: bytes) -> None:
    """The section headers are last, so that every cut takes some of them away."""
    path = tmp_path / "cut.o"
    path.write_bytes(whole)
    scan(path)
    # In place: a file system may flush a file that is written anew, which takes far longer.
    for length in reversed(range(len(whole))):
        os.truncate(path, length)
        refused(path)


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (MadeObject(machine=62), "is of another machine (x86_64)"),
        (MadeObject(machine=0xFEED), "is of another machine"),
        (MadeObject(flags=1), "follows the ELFv1 ABI"),
        (MadeObject(kind=4), "is neither an object, a module nor a vmlinux (ET_CORE)"),
    ],
)
def test_other_files(tmp_path: Path, made: MadeObject, says: str) -> None:
    assert says in refused(made.write(tmp_path / "a.o"))


def test_big_endian_and_32_bits(tmp_path: Path) -> None:
    path = tmp_path / "a.o"
    big = bytearray(SEED)
    big[5] = 2
    big[16:64] = struct.pack(">HHIQQQIHHHHHH", 1, 21, 1, 0, 0, 0, 2, 64, 0, 0, 64, 0, 0)
    path.write_bytes(big)
    assert "is big-endian" in refused(path)
    narrow = b"\x7fELF\1\1\1" + bytes(9)
    narrow += struct.pack("<HHIIIIIHHHHHH", 1, 20, 1, 0, 0, 0, 0, 52, 0, 0, 40, 0, 0)
    path.write_bytes(narrow + bytes(64))
    with pytest.raises(ForeignFileError):
        ObjectFile(path)


def test_no_elf(tmp_path: Path) -> None:
    path = tmp_path / "a.o"
    for content in (b"", b"\x7f", b"hello\n", b"\x7fELF", bytes(4096)):
        path.write_bytes(content)
        refused(path)
    assert "no such file" in refused(tmp_path / "none.o")


def test_stripped(tmp_path: Path) -> None:
    made = MadeObject()
    made.text(".text", 0x60000000)
    whole = bytearray(made.content())
    offset = struct.unpack_from("<Q", whole, 40)[0]
    struct.pack_into("<I", whole, offset + 2 * SECTION_HEADER + 4, 1)  # .symtab: PROGBITS
    path = tmp_path / "a.o"
    path.write_bytes(whole)
    assert "is stripped: it has no symbol table" in refused(path)


@pytest.mark.parametrize("size", [1 << 40, (1 << 64) - 1, len(SEED)])
@pytest.mark.parametrize("field", [24, 32])  # sh_offset, sh_size
def test_absurd_sections(tmp_path: Path, size: int, field: int) -> None:
    headers = struct.unpack_from("<Q", SEED, 40)[0]
    count = struct.unpack_from("<H", SEED, 60)[0]
    path = tmp_path / "a.o"
    for number in range(1, count):
        whole = bytearray(SEED)
        struct.pack_into("<Q", whole, headers + SECTION_HEADER * number + field, size)
        path.write_bytes(whole)
        assert "reaches beyond its end" in refused(path)


@pytest.mark.parametrize("whole", [SEED, PATCH], ids=["seed", "patch"])
@settings(
    max_examples=200,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_mutated(tmp_path: Path, whole: bytes, data: st.DataObject) -> None:
    """Any bytes changed anywhere, headers first: an answer or a refusal, and soon."""
    headers = struct.unpack_from("<Q", whole, 40)[0]
    place = st.one_of(
        st.integers(16, FILE_HEADER - 1),
        st.integers(headers, len(whole) - 1),
        st.integers(FILE_HEADER, len(whole) - 1),
    )
    changed = bytearray(whole)
    for at, value in data.draw(st.lists(st.tuples(place, st.integers(0, 255)), max_size=8)):
        changed[at] = value
    path = tmp_path / "mutated.ko"
    path.touch()
    with path.open("r+b") as file:  # in place, as above
        file.write(changed)
    began = time.process_time()
    with contextlib.suppress(TargetError):
        scan(path)
    assert time.process_time() - began < 2


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=st.lists(words, max_size=6),
    odd=st.binary(max_size=3),
    places=st.lists(st.integers(-9, 40), max_size=6),
)
def test_a_word_is_what_the_section_has_there(
    tmp_path: Path, text: list[int], odd: bytes, places: list[int]
) -> None:
    """0, where there is no whole word, or none begins."""
    data = struct.pack(f"<{len(text)}I", *text)
    made = MadeObject()
    section = made.section(".text", data + odd, ALLOC | EXEC)
    obj = ObjectFile(made.write(tmp_path / "a.o"))
    numbers = np.full(len(places), section, np.int64)
    expected = [
        int.from_bytes(data[at : at + 4], "little") if at >= 0 and at % 4 == 0 else 0
        for at in places
    ]
    assert obj.words_at(numbers, np.array(places, np.int64)).tolist() == expected


def test_a_word_of_a_section_that_is_at_no_multiple_of_4_in_the_file(tmp_path: Path) -> None:
    made = MadeObject()
    number = made.section(".text", bytes(range(12)), ALLOC | EXEC)
    whole = bytearray(made.content())
    headers = struct.unpack_from("<Q", whole, 40)[0]
    at = headers + SECTION_HEADER * number + 24
    offset = struct.unpack_from("<Q", whole, at)[0]
    struct.pack_into("<Q", whole, at, offset + 1)
    path = tmp_path / "a.o"
    path.write_bytes(whole)
    words = ObjectFile(path).words_at(np.array([number, number]), np.array([0, 4]))
    assert words.tolist() == [0x04030201, 0x08070605]
