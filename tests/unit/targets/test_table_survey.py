# SPDX-License-Identifier: GPL-2.0-or-later
"""Tables of a kdump file that do not agree: it is said, and what can be read is."""

import struct
from collections.abc import Callable
from pathlib import Path

import hypothesis
import hypothesis.strategies as st
import pytest
from drgn import FaultError

from klp_debug.targets.core_bytes import CoreBytes
from klp_debug.targets.disk_dump import DiskDump
from klp_debug.targets.split_dump import open_parts
from tests.support.made_core import flattened, kdump

PAGE = 4096
FRAMES = 8 * PAGE
PRESENT = (0, 1, 7, 8, 9, 4000, FRAMES - 1)
PAGES = {frame: bytes([frame % 251 + 1]) * PAGE for frame in PRESENT}
BITMAP = 3 * PAGE
"""Of the pages that were dumped."""
TABLE = 4 * PAGE
COUNT = len(PAGES)
IN_ORDER = sorted(PAGES)


def plain(dump: bytes) -> bytes:
    return dump


def zeros_first() -> bytes:
    """Return a dump with a page of zeros before all others, as ``makedumpfile -d 1`` writes it."""
    made = bytearray(kdump(PAGES, frames=FRAMES))
    end = TABLE + 24 * COUNT
    for place in range(TABLE, end, 24):
        (offset,) = struct.unpack_from("<Q", made, place)
        struct.pack_into("<Q", made, place, offset + PAGE)
    made[end:end] = bytes(PAGE)
    return bytes(made)


def with_pages_of_zeros() -> bytes:
    """Return one in which some frames are of zeros, too."""
    made = bytearray(zeros_first())
    for rank in (0, 3):
        struct.pack_into("<QI", made, TABLE + 24 * rank, TABLE + 24 * COUNT, PAGE)
    return bytes(made)


WHOLE = [kdump(PAGES, frames=FRAMES), zeros_first(), with_pages_of_zeros()]
each_whole_one = pytest.mark.parametrize("whole", WHOLE, ids=["pages", "zeros", "zeros used"])


def opened(path: Path, made: bytes) -> DiskDump:
    path.write_bytes(made)
    return DiskDump(CoreBytes(path))


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("damaged") / "vmcore"


def miscounted(told: int) -> str:
    return (
        f"damaged: its bitmap tells of {told} pages, its table of {COUNT}: some may be taken for"
        " others"
    )


@pytest.mark.parametrize("made", [plain, flattened])
@each_whole_one
@hypothesis.given(frame=st.integers(0, FRAMES - 1) | st.sampled_from(PRESENT))
def test_any_bit_of_the_bitmap(
    path: Path, whole: bytes, made: Callable[[bytes], bytes], frame: int
) -> None:
    flipped = bytearray(whole)
    flipped[BITMAP + frame // 8] ^= 1 << frame % 8
    dump = opened(path, made(bytes(flipped)))
    assert dump.not_whole == (miscounted(COUNT - 1 if frame in PAGES else COUNT + 1),)
    # What lies before the bit is right.
    zeros = (IN_ORDER[0], IN_ORDER[3]) if whole is WHOLE[2] else ()
    for other in IN_ORDER:
        if other < frame:
            assert dump.read(other * PAGE, PAGE) == (
                bytes(PAGE) if other in zeros else PAGES[other]
            )
    if frame not in PAGES:
        # Of the last page the descriptor is behind the table.
        with pytest.raises(FaultError, match="has no page descriptor for this page"):
            dump.read(max(frame, FRAMES - 1) * PAGE, 1)


@each_whole_one
@hypothesis.given(frames=st.sets(st.integers(0, FRAMES - 1), min_size=2, max_size=40))
def test_more_bits_than_one(path: Path, whole: bytes, frames: set[int]) -> None:
    flipped = bytearray(whole)
    for frame in frames:
        flipped[BITMAP + frame // 8] ^= 1 << frame % 8
    told = COUNT + sum(-1 if frame in PAGES else 1 for frame in frames)
    if told == 0:
        return
    dump = opened(path, bytes(flipped))
    assert dump.not_whole == ((miscounted(told),) if told != COUNT else ())


@each_whole_one
@pytest.mark.parametrize("rank", range(COUNT - 1))
@pytest.mark.parametrize("offset", [1, TABLE, TABLE + 24 * COUNT - 1, 1 << 40, (1 << 64) - 1])
def test_a_descriptor_that_points_to_no_page(
    path: Path, whole: bytes, rank: int, offset: int
) -> None:
    damaged = bytearray(whole)
    struct.pack_into("<Q", damaged, TABLE + 24 * rank, offset)
    dump = opened(path, bytes(damaged))
    assert dump.not_whole == ("damaged: 1 page descriptor points where no page can be",)
    with pytest.raises(FaultError, match="its page descriptor points ") as caught:
        dump.read(IN_ORDER[rank] * PAGE, 1)
    assert caught.value.address == IN_ORDER[rank] * PAGE
    assert dump.read((FRAMES - 1) * PAGE, PAGE) == PAGES[FRAMES - 1]


@each_whole_one
@pytest.mark.parametrize("made", [plain, flattened])
def test_a_whole_one_is_not_called_damaged(
    path: Path, whole: bytes, made: Callable[[bytes], bytes]
) -> None:
    assert opened(path, made(whole)).not_whole == ()


@each_whole_one
@hypothesis.given(data=st.data())
def test_a_cut_one_is_not_called_damaged(path: Path, whole: bytes, data: st.DataObject) -> None:
    keep = data.draw(st.integers(TABLE + 24 * COUNT + 2 * PAGE, len(whole) - 1))
    (said,) = opened(path, whole[:keep]).not_whole
    assert said.startswith("cut short: ")


@hypothesis.given(keep=st.integers(0, COUNT))
def test_an_incomplete_one_is_not_called_damaged(path: Path, keep: int) -> None:
    whole = bytearray(kdump(PAGES, frames=FRAMES, status=0x8))
    whole[TABLE + 24 * keep : TABLE + 24 * COUNT] = bytes(24 * (COUNT - keep))
    if keep:
        (said,) = opened(path, bytes(whole)).not_whole
        assert said.startswith("marked incomplete by makedumpfile")


@pytest.mark.parametrize("keep", [-1, -PAGE - 1])
def test_damaged_and_cut_short(path: Path, keep: int) -> None:
    damaged = bytearray(WHOLE[0])
    struct.pack_into("<Q", damaged, TABLE + 24, 1 << 50)
    dump = opened(path, bytes(damaged[:keep]))
    one, other = dump.not_whole
    assert one == "damaged: 1 page descriptor points where no page can be"
    assert other.startswith("cut short: ")


def test_parts(tmp_path: Path) -> None:
    paths = []
    for number, frames in enumerate((range(8), range(8, FRAMES)), 1):
        part = bytearray(kdump(PAGES, frames=FRAMES, part=frames))
        part[BITMAP] ^= 0x20
        path = tmp_path / f"part.{number}"
        path.write_bytes(part)
        paths.append(path)
    assert open_parts(paths).not_whole == tuple(
        f"{miscounted(COUNT + 1)} ({path.name})" for path in paths
    )


def test_qemus_is_not_judged(path: Path) -> None:
    """It has other habits: its descriptors may be behind its pages."""
    made = bytearray(kdump(PAGES, frames=FRAMES, machine=b"Unknown"))
    made[BITMAP + 5] ^= 1
    assert not any("damaged" in said for said in opened(path, bytes(made)).not_whole)
