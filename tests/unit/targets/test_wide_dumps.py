# SPDX-License-Identifier: GPL-2.0-or-later
"""
What a dump costs does not grow with how far up the memory of the machine reached.

The bar: 40 MiB and half a second to open, for 64 TiB.
"""

import struct
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from drgn import FaultError

from klp_debug.errors import TargetError
from klp_debug.targets.core_bytes import CoreBytes
from klp_debug.targets.disk_dump import DiskDump
from tests.support.wide_dump import marked, write_wide_dump

TIB = 1 << 40
MIB = 1 << 20
SECONDS = 0.5
each_page_size = pytest.mark.parametrize("page_size", [4096, 65536])
each_span = pytest.mark.parametrize("span", [TIB, 64 * TIB])


@contextmanager
def at_most(memory: int) -> Iterator[None]:
    """See that no more bytes of memory are taken; numpy's are counted, too."""
    tracemalloc.start()
    try:
        yield
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < memory


def wide(folder: Path, page_size: int, span: int) -> tuple[Path, list[int]]:
    """Write a dump that has pages all over; the higher, the fewer."""
    path = folder / "vmcore"
    last = span // page_size - 1
    frames = sorted(
        {0, 1, 63, 64, *(last >> shift for shift in range(last.bit_length())), last - 1}
    )
    write_wide_dump(path, page_size, span, frames)
    assert path.stat().st_blocks * 512 < 4 * MIB  # the test itself must be cheap
    return path, frames


def opened(path: Path) -> tuple[DiskDump, float]:
    """Return an opened dump, and the CPU time of the best of three: others use the machine too."""
    taken = []
    for _ in range(3):
        before = time.process_time()
        dump = DiskDump(CoreBytes(path))
        taken.append(time.process_time() - before)
    return dump, min(taken)


@each_span
@each_page_size
def test_opening_and_reading(tmp_path: Path, page_size: int, span: int) -> None:
    path, frames = wide(tmp_path, page_size, span)
    dump, seconds = opened(path)
    assert seconds < SECONDS
    assert dump.not_whole == ()
    with at_most(8 * MIB):
        dump = DiskDump(CoreBytes(path))
        for frame in frames:
            assert dump.read(frame * page_size, page_size) == marked(frame, page_size)
        with pytest.raises(FaultError, match="does not hold this page"):
            dump.read((frames[-1] - 5) * page_size, 1)


@pytest.mark.parametrize(("page_size", "span"), [(4096, TIB), (65536, 64 * TIB)])
def test_where_the_zeros_are_no_holes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, page_size: int, span: int
) -> None:
    """As makedumpfile itself writes them; a bitmap of 2 GiB is more than a test should read."""
    path, frames = wide(tmp_path, page_size, span)
    monkeypatch.setattr(CoreBytes, "next_written", lambda _, offset: offset)
    dump, seconds = opened(path)
    assert seconds < SECONDS
    assert dump.listed == len(frames)
    with at_most(8 * MIB):
        DiskDump(CoreBytes(path))


@each_page_size
def test_pages_that_were_read_are_not_all_kept(tmp_path: Path, page_size: int) -> None:
    path = tmp_path / "vmcore"
    frames = range(48 * MIB // page_size)
    write_wide_dump(path, page_size, TIB, frames)
    with at_most(40 * MIB):
        dump = DiskDump(CoreBytes(path))
        for frame in frames:
            assert dump.read(frame * page_size, 8) == marked(frame, 8)


def test_cut_short(tmp_path: Path) -> None:
    path, frames = wide(tmp_path, 4096, 64 * TIB)
    with path.open("r+b") as dump:
        dump.truncate(path.stat().st_size - 1)
    percent = 100 * (len(frames) - 1) // len(frames)
    assert DiskDump(CoreBytes(path)).not_whole == (f"cut short: {percent}% of the pages are here",)


@each_page_size
def test_a_bitmap_of_more_memory_than_there_can_be(tmp_path: Path, page_size: int) -> None:
    """Of such a sparse file even the counts of its blocks would fill this machine's memory."""
    path, _ = wide(tmp_path, page_size, TIB)
    with path.open("r+b") as dump:
        dump.seek(436)
        dump.write(struct.pack("<i", (1 << 31) - 2))  # bitmap_blocks
    with at_most(MIB), pytest.raises(TargetError, match="its bitmap is too large"):
        DiskDump(CoreBytes(path))


def test_the_most_memory_that_there_can_be(tmp_path: Path) -> None:
    path = tmp_path / "vmcore"
    frames = [1, (1 << 51) // 65536 - 1]
    write_wide_dump(path, 65536, 1 << 51, frames)
    with at_most(8 * MIB):
        dump = DiskDump(CoreBytes(path))
        assert dump.read(frames[1] * 65536, 8) == marked(frames[1], 8)
