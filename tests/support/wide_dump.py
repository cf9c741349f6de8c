# SPDX-License-Identifier: GPL-2.0-or-later
"""Kdump files of machines whose memory reaches far up: sparse files, of some pages all over."""

import struct
import zlib
from collections.abc import Sequence
from pathlib import Path


def marked(frame: int, page_size: int) -> bytes:
    """Return a page that says of which frame it is."""
    return struct.pack("<Q", frame) * (page_size // 8)


def write_wide_dump(path: Path, page_size: int, span: int, frames: Sequence[int]) -> None:
    """
    Write a file as makedumpfile does, with holes where its bitmaps are zeros.

    :param span: bytes of physical memory that the machine reaches up to
    :param frames: those of which it has pages, in their order
    """
    of = span // page_size
    half = of // 8
    second = 2 * page_size + half
    table = second + half
    names = (b"Linux", b"made", b"6.1.0", b"#1 SMP", b"ppc64le")
    header = b"KDUMP   " + struct.pack("<i", 6) + b"".join(name.ljust(65, b"\0") for name in names)
    blocks = 2 * half // page_size
    sizes = struct.pack("<IiiiI", 1, page_size, 1, blocks, min(of, (1 << 32) - 1))
    bits: dict[int, int] = {}
    for frame in frames:
        bits[frame // 8] = bits.get(frame // 8, 0) | 1 << frame % 8
    packed = [zlib.compress(marked(frame, page_size)) for frame in frames]
    place = table + 24 * len(frames)
    with path.open("wb") as out:
        out.write(header.ljust(424, b"\0") + sizes)
        out.seek(page_size + 96)
        out.write(struct.pack("<Q", of))  # max_mapnr_64
        for at, byte in bits.items():
            for bitmap in (second - half, second):
                out.seek(bitmap + at)
                out.write(bytes([byte]))
        out.seek(table)
        for data in packed:
            out.write(struct.pack("<QIIQ", place, len(data), 1, 0))
            place += len(data)
        out.write(b"".join(packed))
