# SPDX-License-Identifier: GPL-2.0-or-later
"""The bytes of a dump's file, flattened and cut: right ones, or none."""

from pathlib import Path

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

from klp_debug.errors import TargetError
from klp_debug.targets.core_bytes import CoreBytes
from tests.support.made_core import flattened

DUMP = bytes(range(251)) * 8
FLAT = flattened(DUMP, 100)
PLACES = st.tuples(st.integers(0, len(DUMP) + 50), st.integers(1, 300))


@hypothesis.given(keep=st.integers(4096, len(FLAT)), places=st.lists(PLACES))
def test_what_a_cut_flattened_file_still_holds(
    tmp_path_factory: pytest.TempPathFactory, keep: int, places: list[tuple[int, int]]
) -> None:
    path = tmp_path_factory.mktemp("flat") / "vmcore"
    path.write_bytes(FLAT[:keep])
    data = CoreBytes(path)
    assert data.lacks_end_mark == (keep < len(FLAT))
    offsets, sizes = (np.array(column, np.uint64) for column in zip(*places, (0, 1), strict=True))
    for (offset, size), held in zip(places, data.holds(offsets, sizes), strict=False):
        runs = list(data.held(offset, size))
        assert held == (runs == [range(offset, offset + size)])
        for run in runs:
            assert data.at(run.start, len(run)) == DUMP[run.start : run.stop]
        if not held:
            with pytest.raises(TargetError, match="truncated"):
                data.at(offset, size)
    if keep == len(FLAT):
        assert list(data.held(0, 1 << 70)) == [range(len(DUMP))]


@pytest.mark.parametrize("made", [DUMP, FLAT])
def test_its_first_bytes(tmp_path: Path, made: bytes) -> None:
    path = tmp_path / "vmcore"
    path.write_bytes(made)
    assert CoreBytes(path).head == DUMP[:1024]


def test_sizes_that_overflow(tmp_path: Path) -> None:
    path = tmp_path / "vmcore"
    path.write_bytes(DUMP)
    largest = (1 << 64) - 1
    offsets = np.array([largest, largest, 0, 8], np.uint64)
    sizes = np.array([1, largest, largest, largest - 7], np.uint64)
    assert not CoreBytes(path).holds(offsets, sizes).any()


def test_what_lies_behind_a_hole(tmp_path: Path) -> None:
    path = tmp_path / "vmcore"
    with path.open("wb") as file:
        file.write(b"head")
        file.seek(1 << 30)
        file.write(b"tail")
        file.truncate(1 << 31)
    data = CoreBytes(path)
    assert data.next_written(2) == 2
    assert data.next_written(1 << 20) == 1 << 30
    # A block that is written in part is no hole.
    assert data.next_written((1 << 30) + (1 << 20)) == data.size == 1 << 31
    assert data.next_written(data.size + 5) == data.size + 5


def test_a_flattened_file_has_no_holes(tmp_path: Path) -> None:
    path = tmp_path / "vmcore"
    path.write_bytes(FLAT)
    assert CoreBytes(path).next_written(7) == 7
