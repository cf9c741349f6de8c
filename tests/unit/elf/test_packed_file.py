# SPDX-License-Identifier: GPL-2.0-or-later
"""Packed files are read as plain ones; damaged, foreign and endless ones are refused."""

import gzip
import lzma
import os
from pathlib import Path

import pytest
import zstandard

from klp_debug.elf import packed_file
from tests.support.listing_object import seed_object
from tests.support.scan_refusal import refused, scan

SEED = seed_object().content()


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
    for length in reversed(range(packed.stat().st_size - 12)):
        os.truncate(packed, length)
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


def test_an_xz_file_of_several_streams_with_zeros_between(tmp_path: Path) -> None:
    """As ``xz`` and ``cat`` make them."""
    path = tmp_path / "seed.ko.xz"
    streams = [lzma.compress(part) for part in (SEED[:100], b"", SEED[100:])]
    path.write_bytes((b"\0" * 4).join(streams) + b"\0" * 8)
    assert packed_file.read_elf_bytes(path) == SEED
    path.write_bytes(streams[0] + b"hello")
    assert "is a damaged or truncated packed file" in refused(path)
