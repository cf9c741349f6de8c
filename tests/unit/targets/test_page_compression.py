# SPDX-License-Identifier: GPL-2.0-or-later
"""Packed pages of kdump files: the page, or an error that names the compression; never more."""

import contextlib
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import cramjam
import hypothesis
import hypothesis.strategies as st
import lzokay
import pytest
import zstandard
from drgn import FaultError

from klp_debug.targets.core_bytes import CoreBytes
from klp_debug.targets.disk_dump import DiskDump
from klp_debug.targets.page_compression import PackedPageError, unpacked
from tests.support.made_core import kdump

SIZES = (4096, 65536)


class Packing(NamedTuple):
    name: str
    flags: int
    pack: Callable[[bytes], bytes]


def snappy(data: bytes) -> bytes:
    return bytes(cramjam.snappy.compress_raw(data))


PACKINGS = [
    Packing("zlib", 0x1, zlib.compress),
    Packing("LZO", 0x2, lzokay.compress),
    Packing("snappy", 0x4, snappy),
    Packing("Zstandard", 0x20, zstandard.ZstdCompressor().compress),
]
each_packing = pytest.mark.parametrize("packing", PACKINGS, ids=[each.name for each in PACKINGS])
each_size = pytest.mark.parametrize("size", SIZES)


def contents(size: int) -> st.SearchStrategy[bytes]:
    """What pages are: of one byte, of a short pattern, or of anything, and zeros behind."""
    patterns = st.binary(min_size=1, max_size=300)
    return st.builds(
        lambda pattern, used: (pattern * size)[:used].ljust(size, b"\0"),
        patterns,
        st.integers(0, size),
    )


@each_size
@each_packing
@hypothesis.given(data=st.data())
def test_a_page_comes_back(packing: Packing, size: int, data: st.DataObject) -> None:
    page = data.draw(contents(size))
    assert unpacked(packing.pack(page), packing.flags, size) == page


@each_size
@each_packing
@hypothesis.given(data=st.data())
def test_what_is_damaged_is_an_error_or_a_page(
    packing: Packing, size: int, data: st.DataObject
) -> None:
    block = bytearray(packing.pack(data.draw(contents(size))))
    for place, byte in data.draw(
        st.lists(st.tuples(st.integers(0, len(block) - 1), st.integers(0, 255)), max_size=4)
    ):
        block[place] = byte
    keep = data.draw(st.integers(0, len(block)))
    with contextlib.suppress(PackedPageError):
        assert len(unpacked(bytes(block[:keep]), packing.flags, size)) == size


@pytest.mark.parametrize("flags", [each.flags for each in PACKINGS])
@hypothesis.given(block=st.binary(max_size=200))
def test_any_bytes(flags: int, block: bytes) -> None:
    with pytest.raises(PackedPageError, match="but damaged"):
        unpacked(block, flags, 65536)


@each_size
@each_packing
@pytest.mark.parametrize("less", [1, 100, -1, -100])
def test_what_is_not_of_one_page(packing: Packing, size: int, less: int) -> None:
    """It is neither filled up with zeros nor cut."""
    with pytest.raises(PackedPageError, match=f"compressed by {packing.name}, but damaged"):
        unpacked(packing.pack(bytes(size - less)), packing.flags, size)


UNPACK_A_BOMB = """
import sys
from pathlib import Path
from klp_debug.targets.page_compression import PackedPageError, unpacked

def most():
    (line,) = (line for line in Path("/proc/self/status").open() if line.startswith("VmHWM"))
    return int(line.split()[1]) << 10

block = sys.stdin.buffer.read()
for warm in (True, False):
    before = most()
    try:
        unpacked(block[:100] if warm else block, int(sys.argv[1]), 65536)
    except PackedPageError:
        pass
print(most() - before)
"""


@each_packing
def test_no_memory_is_taken_for_what_a_block_claims(packing: Packing) -> None:
    """In a process of its own, whose memory the kernel counts: some libraries are not Python's."""
    block = packing.pack(bytes(64 << 20))
    ran = subprocess.run(
        [sys.executable, "-c", UNPACK_A_BOMB, str(packing.flags)],
        input=block,
        capture_output=True,
        check=True,
    )
    assert int(ran.stdout) < len(block) + (1 << 20)


def test_a_frame_that_does_not_tell_its_size() -> None:
    pack = zstandard.ZstdCompressor(write_content_size=False).compress
    assert unpacked(pack(b"page" * 1024), 0x20, 4096) == b"page" * 1024
    with pytest.raises(PackedPageError, match="compressed by Zstandard, but damaged"):
        unpacked(pack(bytes(4097)), 0x20, 4096)


PAGE = bytes(range(256)) * 16


def test_blocks_by_hand() -> None:
    """One literal run each, from the descriptions of the formats, not from a library."""
    # Linux: Documentation/staging/lzo.rst: 3 + 15 + 255 for each byte of zero + the next byte.
    assert len(PAGE) == 3 + 15 + 255 * 15 + 253
    assert unpacked(bytes(16) + b"\xfd" + PAGE + b"\x11\0\0", 0x2, 4096) == PAGE
    # snappy's format_description.txt: the size by 7 bits a byte; a literal, its size - 1 behind.
    assert unpacked(b"\x80\x20" + b"\xf4" + struct.pack("<H", 4095) + PAGE, 0x4, 4096) == PAGE


@pytest.mark.parametrize("flags", [0x8, 0x10, 0x3, 0x40, 0xFFFFFFFF])
def test_a_compression_that_nobody_knows(flags: int) -> None:
    with pytest.raises(PackedPageError, match=f"compressed by flags {flags:#x}"):
        unpacked(PAGE, flags, 4096)


def test_a_page_that_is_not_compressed() -> None:
    assert unpacked(PAGE, 0, 4096) == PAGE
    with pytest.raises(PackedPageError, match="of 4095 bytes"):
        unpacked(PAGE[1:], 0, 4096)


@pytest.mark.parametrize(
    ("name", "flags", "module"), [("LZO", 2, "lzokay"), ("snappy", 4, "cramjam")]
)
def test_a_library_that_is_not_installed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, flags: int, module: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    path = tmp_path / "vmcore"
    path.write_bytes(kdump({2: PAGE, 3: PAGE}, flags=flags))
    dump = DiskDump(CoreBytes(path))
    assert dump.read(2 * 4096, 4096) == PAGE
    with pytest.raises(FaultError) as caught:
        dump.read(3 * 4096, 4096)
    assert caught.value.args[0] == f"compressed by {name}; install {module}"
    assert caught.value.address == 3 * 4096


@each_size
@each_packing
def test_in_a_file(tmp_path: Path, packing: Packing, size: int) -> None:
    pages = {frame: bytes([frame]) * size for frame in (1, 2, 3, 9)}
    made = bytearray(
        kdump(pages, page_size=size, frames=8 * size, pack=packing.pack, flags=packing.flags)
    )
    path = tmp_path / "vmcore"
    path.write_bytes(made)
    dump = DiskDump(CoreBytes(path))
    for frame, page in pages.items():
        assert dump.read(frame * size, size) == page
    path.write_bytes(made[:-1] + bytes([made[-1] ^ 0xFF]))
    if packing.flags in (0x1, 0x2):  # a checksum, an end mark
        with pytest.raises(FaultError, match=f"compressed by {packing.name}") as caught:
            DiskDump(CoreBytes(path)).read(9 * size, 8)
        assert caught.value.address == 9 * size
