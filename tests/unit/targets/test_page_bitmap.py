# SPDX-License-Identifier: GPL-2.0-or-later
"""The rank of a page frame, against counting all bits before it."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from klp_debug.errors import TargetError
from klp_debug.targets.core_bytes import CoreBytes
from klp_debug.targets.page_bitmap import PageBitmap

BLOCK = 65536 * 8
"""Frames that are counted together."""
FRAMES = 18 * BLOCK + 4096 * 8
"""Of more blocks than are kept, the last of them a short one."""
START = 12


def bitmap(folder: Path, present: npt.NDArray[np.bool_]) -> PageBitmap:
    path = folder / "file"
    path.write_bytes(bytes(START) + np.packbits(present, bitorder="little").tobytes())
    return PageBitmap(CoreBytes(path), START, len(present) // 8)


@pytest.mark.parametrize("density", [0.0, 0.001, 0.5, 1.0])
def test_rank(tmp_path: Path, density: float) -> None:
    random = np.random.default_rng(5)
    present = random.random(FRAMES) < density
    found = bitmap(tmp_path, present)
    assert (found.frames, found.count) == (FRAMES, int(present.sum()))
    before: npt.NDArray[np.int64] = np.cumsum(present) - present
    edges = [0, 1, 7, 8, 63, 64, 65, BLOCK - 1, BLOCK, BLOCK + 1, FRAMES - 1]
    for frame in [*edges, *random.integers(0, FRAMES, 200).tolist()]:
        assert found.rank(frame) == (int(before[frame]) if present[frame] else None)
        assert found.before(frame) == before[frame]
    assert found.before(FRAMES) == found.count


def test_holes_in_the_file(tmp_path: Path) -> None:
    """They are found, and what lies behind each of them is counted."""
    path = tmp_path / "file"
    frames = [3, 5 * BLOCK + 9, 5 * BLOCK + 10, 17 * BLOCK]
    with path.open("w+b") as file:
        file.truncate(START + FRAMES // 8)
        for frame in frames:
            file.seek(START + frame // 8)
            (byte,) = file.read(1)
            file.seek(START + frame // 8)
            file.write(bytes([byte | 1 << frame % 8]))
    found = PageBitmap(CoreBytes(path), START, FRAMES // 8)
    assert [found.rank(frame) for frame in frames] == [0, 1, 2, 3]
    assert (found.count, found.rank(FRAMES - 1), found.before(FRAMES - 1)) == (4, None, 4)


def test_frames_that_it_does_not_speak_of(tmp_path: Path) -> None:
    found = bitmap(tmp_path, np.ones(4096 * 8, np.bool_))
    assert found.rank(4096 * 8) is None
    assert found.rank(-1) is None


def test_a_file_that_ends_in_it(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(4096))
    with pytest.raises(TargetError, match="truncated"):
        PageBitmap(CoreBytes(path), START, 4096)
