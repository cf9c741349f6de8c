# SPDX-License-Identifier: GPL-2.0-or-later
"""The array functions agree with those for one word."""

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from klp_debug.ppc64le.instruction import (
    B_PLUS_8,
    MFLR_R0,
    NOP,
    STD_R0_16_R1,
    branch_target,
    is_b,
    is_bl,
)
from klp_debug.ppc64le.site import decode_site
from klp_debug.ppc64le.site_words import (
    DIALECTS,
    STATES,
    branch_targets,
    site_dialects,
    site_states,
)

WORDS = st.one_of(
    st.integers(0, (1 << 32) - 1),
    st.sampled_from([NOP, MFLR_R0, STD_R0_16_R1, 0x48000001, 0x48000000, 0x4BFFFFFD]),
    st.integers(0, (1 << 24) - 1).map(lambda li: 0x48000001 | li << 2),
    st.integers(0, (1 << 24) - 1).map(lambda li: 0x48000000 | li << 2),
)
ADDRESSES = st.integers(0, (1 << 62) - 1).map(lambda n: n * 4)


@given(st.lists(st.tuples(WORDS, ADDRESSES), max_size=8))
def test_targets(sites: list[tuple[int, int]]) -> None:
    words = np.array([word for word, _ in sites], np.uint32)
    addresses = np.array([address for _, address in sites], np.uint64)
    for (word, address), target in zip(sites, branch_targets(words, addresses), strict=True):
        if is_b(word) or is_bl(word):
            assert int(target) == branch_target(word, address)


@given(st.tuples(WORDS, WORDS, WORDS), st.sampled_from([0, 4, 8]), st.booleans())
def test_dialect_and_state(words: tuple[int, int, int], offset: int, patchable: bool) -> None:
    """One function whose local entry is ``offset`` before its site."""
    function = words[2 - offset // 4 :]
    # A site at the entry that is no nop and no b is no out-of-line site to decode_site; and
    # `nop; site` is what -fpatchable-function-entry=2 leaves before ftrace has come by.
    assume(offset != 0 or words[2] == NOP or is_b(words[2]))
    assume(offset == 0 or function[0] != NOP)
    one = decode_site(function, 0x1000, 0x1000 + offset, local_entry=0x1000, patchable=patchable)
    assert one is not None
    arrays = [np.array([word], np.uint32) for word in words]
    (dialect,) = site_dialects(
        arrays[0], arrays[1], np.array([offset], np.int64), patchable=patchable
    )
    assert DIALECTS[dialect] == one.dialect
    (state,) = site_states(arrays[2], np.array([dialect], np.uint8))
    if words[2] != B_PLUS_8:  # idle in a -pg site only, which arrays do not know
        assert STATES[state] == one.state
