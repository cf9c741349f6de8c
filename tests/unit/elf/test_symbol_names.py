# SPDX-License-Identifier: GPL-2.0-or-later
"""Looking up symbols by name, beside reading every name."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from klp_debug.elf.symbol_names import named

WORDS = st.text("ab_", min_size=1, max_size=4)


@given(st.lists(WORDS, max_size=8), st.lists(st.integers(0, 30)), WORDS)
def test_it_is_found_where_its_name_begins_and_nowhere_else(
    words: list[str], offsets: list[int], name: str
) -> None:
    strings = b"\0" + b"".join(word.encode() + b"\0" for word in words)
    names = [strings[offset:].partition(b"\0")[0].decode() for offset in offsets]
    places = named(name, np.array(offsets, np.uint32), strings)
    assert places == [place for place, one in enumerate(names) if one == name]


def test_a_name_that_ends_behind_the_table_is_none() -> None:
    assert named("ab", np.array([1], np.uint32), b"\0ab") == []
