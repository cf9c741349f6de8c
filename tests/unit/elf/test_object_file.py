# SPDX-License-Identifier: GPL-2.0-or-later
"""Object files that are damaged, cut short or hostile: read right, or refused in one sentence."""

import contextlib
import gzip
import lzma
import struct
from pathlib import Path

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from klp_debug.elf import packed_file
from klp_debug.elf.object_file import ObjectFile
from klp_debug.errors import ForeignFileError, TargetError
from klp_debug.result.scan import Scan
from klp_debug.scan.scan import Scanner
from tests.support.listing_object import seed_object
from tests.support.made_object import MadeObject
from tests.support.made_patch import made_patch

SEED = seed_object().content()
PATCH = made_patch().content()
SECTION_HEADER, FILE_HEADER = 64, 64


def scan(path: Path) -> Scan:
    return Scanner().scan([path], "warning", lambda name: None)


def refused(path: Path) -> str:
    with pytest.raises(TargetError) as error:
        scan(path)
    message = str(error.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    return message


@pytest.mark.parametrize("whole", [SEED, PATCH], ids=["seed", "patch"])
def test_cut_at_any_byte(tmp_path: Path, whole: bytes) -> None:
    """The section headers are last, so that every cut takes some of them away."""
    path = tmp_path / "cut.o"
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        refused(path)
    path.write_bytes(whole)
    scan(path)


@pytest.mark.parametrize(
    ("name", "pack"),
    [
        ("ko.gz", gzip.compress),
        ("ko.xz", lzma.compress),
        ("ko.zst", zstandard.ZstdCompressor().compress),
    ],
)
def test_packed(tmp_path: Path, name: str, pack: object) -> None:
    assert callable(pack)
    plain, packed = tmp_path / "seed.ko", tmp_path / f"seed.{name}"
    plain.write_bytes(SEED)
    packed.write_bytes(pack(SEED))
    (told,) = scan(packed).files
    (expected,) = scan(plain).files
    assert (told.counts, told.offsets) == (expected.counts, expected.offsets)
    # Cut at any byte; only a packer's checksum of what is complete already may be missed.
    whole = packed.read_bytes()
    for length in range(len(whole) - 12):
        packed.write_bytes(whole[:length])
        refused(packed)
    packed.write_bytes(pack(b"hello\n" * 1000))
    assert "is not an ELF file" in refused(packed)


def test_a_file_made_to_fill_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed_file, "MOST_BYTES", 1 << 20)
    bomb = tmp_path / "bomb.ko.xz"
    bomb.write_bytes(lzma.compress(b"\x7fELF" + bytes(3 << 20)))
    assert "has more than 1 MiB" in refused(bomb)
    sparse = tmp_path / "sparse.ko"
    with sparse.open("wb") as file:
        file.write(b"\x7fELF")
        file.truncate(1 << 40)
    assert "has more than 1 MiB" in refused(sparse)


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
    max_examples=400,
    deadline=2000,
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
    path.write_bytes(changed)
    with contextlib.suppress(TargetError):
        scan(path)
