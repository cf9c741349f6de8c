# SPDX-License-Identifier: GPL-2.0-or-later
"""The array functions agree with those for one word."""

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from klp_debug.ppc64le.instruction import (
    B_PLUS_8,
    MFLR_R0,
    MTLR_R0,
    NOP,
    STD_R0_16_R1,
    branch_target,
    is_b,
    is_bl,
)
from klp_debug.ppc64le.site import Dialect, decode_site
from klp_debug.ppc64le.site_words import (
    DIALECTS,
    STATES,
    branch_targets,
    decode_ool_stubs,
    site_dialects,
    site_states,
)
from klp_debug.ppc64le.stub import decode_ool_stub

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
    patchable = patchable or offset == 0
    one = decode_site(function, 0x1000, 0x1000 + offset, local_entry=0x1000, patchable=patchable)
    assert one is not None
    arrays = [np.array([word], np.uint32) for word in words]
    (dialect,) = site_dialects(
        arrays[0],
        arrays[1],
        np.array([offset], np.int64),
        patchable=patchable,
        out_of_line=offset == 0,
    )
    assert DIALECTS[dialect] == one.dialect
    (state,) = site_states(arrays[2], np.array([dialect], np.uint8))
    assert STATES[state] == one.state


@given(WORDS, st.integers(3, 40))
def test_a_site_behind_a_frame_is_a_pg_site(word: int, behind: int) -> None:
    function = [MFLR_R0, STD_R0_16_R1, *[0xF821FFE1] * (behind - 2), word]
    one = decode_site(function, 0, 4 * behind, local_entry=0)
    assert one is not None
    arrays = [np.array([w], np.uint32) for w in function[-3:]]
    (dialect,) = site_dialects(
        arrays[0],
        arrays[1],
        np.array([4 * behind], np.int64),
        patchable=False,
        out_of_line=False,
    )
    assert DIALECTS[dialect] == one.dialect == Dialect.PG
    (state,) = site_states(arrays[2], np.array([dialect], np.uint8))
    assert STATES[state] == one.state
    # As compiled, and idle in a module: the TOC restore behind the call is skipped.
    (state,) = site_states(np.array([B_PLUS_8], np.uint32), np.array([dialect], np.uint8))
    assert STATES[state] == "idle"


@given(st.lists(st.tuples(WORDS, WORDS, WORDS, WORDS, ADDRESSES), max_size=8))
def test_ool_stubs(stubs: list[tuple[int, int, int, int, int]]) -> None:
    shaped = [(MFLR_R0, call, MTLR_R0, back, here) for _, call, _, back, here in stubs]
    for rows in (stubs, shaped):
        words = np.array([row[:4] for row in rows], np.uint32).reshape(-1, 4)
        addresses = np.array([row[4] for row in rows], np.uint64)
        decoded = decode_ool_stubs(words, addresses)
        for index, (*four, address) in enumerate(rows):
            one = decode_ool_stub(four, address)
            assert bool(decoded.valid[index]) == (one is not None)
            if one is not None:
                assert int(decoded.call_targets[index]) == one.call_target
                assert int(decoded.sites[index]) == one.site
