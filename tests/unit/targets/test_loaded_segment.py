# SPDX-License-Identifier: GPL-2.0-or-later
"""Ranges of addresses without others: by sets of addresses, which are too slow for real ones."""

import hypothesis
import hypothesis.strategies as st

from klp_debug.targets.loaded_segment import LoadedSegment, without

RANGES = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)).map(lambda ends: range(*ends)))


@hypothesis.given(ranges=RANGES, others=RANGES)
def test_without(ranges: list[range], others: list[range]) -> None:
    left = list(without(ranges, others))
    assert all(left)
    assert {n for part in left for n in part} == (
        {n for part in ranges for n in part} - {n for part in others for n in part}
    )


def test_addresses_at_the_very_end() -> None:
    header = {"p_offset": 0, "p_paddr": 0, "p_vaddr": (1 << 64) - 8, "p_filesz": 0, "p_memsz": 64}
    segment = LoadedSegment.of(header, 100)
    assert segment.excluded(physical=False) == range((1 << 64) - 8, (1 << 64) - 1)
    assert segment.excluded(physical=True) == range(64)


def test_qemus_virtual_addresses_are_none() -> None:
    header = {"p_offset": 0, "p_paddr": 64, "p_vaddr": 0, "p_filesz": 0, "p_memsz": 64}
    assert not LoadedSegment.of(header, 100).excluded(physical=False)
