# SPDX-License-Identifier: GPL-2.0-or-later
"""Words that stress decoders: any at all, and those that nearly mean something."""

from hypothesis import strategies as st

from tests.support import real_words

MASK64 = (1 << 64) - 1

u32 = st.integers(0, 0xFFFFFFFF)
u64 = st.integers(0, MASK64)
addresses = st.integers(0, MASK64 // 4).map(lambda n: n * 4)

_real = sorted(
    {
        word
        for name, value in vars(real_words).items()
        if name.isupper() and isinstance(value, tuple)
        for word in value
    }
)
# A real instruction with any low half, and with any register fields.
_near = st.builds(
    lambda word, noise, mask: word & ~mask & 0xFFFFFFFF | noise & mask,
    st.sampled_from(_real),
    u32,
    st.sampled_from([0, 0xFFFF, 0x3FFFFFC, 0x3FFFFFF]),
)
words = st.one_of(u32, _near)
texts = st.lists(words, max_size=24)
