# SPDX-License-Identifier: GPL-2.0-or-later
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klp_debug.ppc64le.site import Dialect, Site, SiteState, decode_site
from tests.support import real_words as real
from tests.support.strategies import addresses, texts

MFLR_R0, STD_R0, NOP, STDU_R1 = 0x7C0802A6, 0xF8010010, 0x60000000, 0xF821FFE1
B_PLUS_8, LD_R2 = 0x48000008, 0xE8410018


def with_and_without_record(
    words: Sequence[int],
    address: int,
    offset: int,
    *,
    local: int = 0,
    patchable: bool | None = None,
) -> Site:
    """Decode a site by its record; check that the shape alone gives the same."""
    local_entry = address + local
    by_record = decode_site(
        words, address, address + offset, local_entry=local_entry, patchable=patchable
    )
    by_shape = decode_site(words, address, local_entry=local_entry, patchable=patchable)
    assert by_record is not None
    assert by_record == by_shape
    assert by_record.address == address + offset
    assert by_record.offset == offset
    return by_record


def test_the_seed_s_leaf() -> None:
    # 2d8: 01 00 00 48  bl 2d8 <int_to_scsilun+0x8>
    site = with_and_without_record(real.SEED_LEAF, real.SEED_LEAF_ADDRESS, 8)
    assert site.dialect is Dialect.MPROFILE_KERNEL_3
    # As built, it calls; the relocation to _mcount is not applied yet.
    assert site.state is SiteState.ARMED
    assert site.target == 0x2D8
    assert site.is_call


def test_the_seed_s_other_function() -> None:
    # 340: 01 00 00 48  bl 340 <scsi_set_sense_information+0x10>
    site = with_and_without_record(real.SEED_NON_LEAF, real.SEED_NON_LEAF_ADDRESS, 0x10, local=8)
    assert site.dialect is Dialect.MPROFILE_KERNEL_3
    assert site.target == 0x340


def test_built_vmlinux() -> None:
    site = with_and_without_record(
        real.CMDLINE_PROC_SHOW, real.CMDLINE_PROC_SHOW_ADDRESS, 0xC, local=8
    )
    assert site.dialect is Dialect.MPROFILE_KERNEL_2
    assert site.state is SiteState.ARMED
    assert site.target == real.MCOUNT


def test_armed_vmlinux() -> None:
    words = list(real.CMDLINE_PROC_SHOW)
    words[3] = real.CMDLINE_PROC_SHOW_ARMED_SITE
    site = with_and_without_record(words, real.CMDLINE_PROC_SHOW_ADDRESS, 0xC, local=8)
    assert site.state is SiteState.ARMED
    assert site.target == real.FTRACE_CALLER


@pytest.mark.parametrize(
    ("words", "address", "local"),
    [(real.LEAF, real.LEAF_ADDRESS, 0), (real.NON_LEAF, real.NON_LEAF_ADDRESS, 8)],
    ids=["leaf", "with TOC"],
)
def test_armed_module(words: Sequence[int], address: int, local: int) -> None:
    site = with_and_without_record(words, address, local + 4, local=local)
    assert site.dialect is Dialect.MPROFILE_KERNEL_2
    assert site.state is SiteState.ARMED
    assert site.target == real.SCSI_COMMON_TRAMP


def test_idle_module() -> None:
    site = with_and_without_record(real.IDLE, real.IDLE_ADDRESS, 0xC, local=8)
    assert site.state is SiteState.IDLE
    assert site.target is None
    assert not site.is_call


def test_idle_and_armed_of_three_instructions() -> None:
    idle = with_and_without_record((MFLR_R0, STD_R0, NOP, STDU_R1), 0x1000, 8)
    assert idle.dialect is Dialect.MPROFILE_KERNEL_3
    assert idle.state is SiteState.IDLE
    armed = with_and_without_record(real.MPROFILE_3_ARMED, 0x10, 8)
    assert armed.dialect is Dialect.MPROFILE_KERNEL_3
    assert armed.state is SiteState.ARMED
    assert armed.target == 0x1010


def test_three_instructions_whose_std_became_a_nop() -> None:
    armed = with_and_without_record(real.MPROFILE_3_STD_NOPPED, 0, 8)
    assert armed.dialect is Dialect.MPROFILE_KERNEL_3
    assert armed.target == 0x1000
    # Idle, only the record tells it from two instructions.
    words = (MFLR_R0, NOP, NOP, STDU_R1)
    by_record = decode_site(words, 0, 8, local_entry=0)
    assert by_record is not None
    assert by_record.dialect is Dialect.MPROFILE_KERNEL_3
    by_shape = decode_site(words, 0, local_entry=0)
    assert by_shape is not None
    assert by_shape.offset == 4


def test_patchable_as_built() -> None:
    site = with_and_without_record(real.PATCHABLE_BUILT, 0x1000, 4)
    assert site.dialect is Dialect.PATCHABLE
    assert site.state is SiteState.IDLE


@pytest.mark.parametrize(
    ("patchable", "dialect"),
    [
        (True, Dialect.PATCHABLE),
        (False, Dialect.MPROFILE_KERNEL_2),
        (None, Dialect.MPROFILE_KERNEL_2),
    ],
)
def test_running_words_do_not_tell_patchable(patchable: bool | None, dialect: Dialect) -> None:
    site = with_and_without_record(real.LEAF, real.LEAF_ADDRESS, 4, patchable=patchable)
    assert site.dialect is dialect


def test_out_of_line() -> None:
    armed = with_and_without_record(real.OOL_FUNCTION, real.OOL_FUNCTION_ADDRESS, 0, patchable=True)
    assert armed.dialect is Dialect.OUT_OF_LINE
    assert armed.state is SiteState.ARMED
    assert armed.target == real.OOL_STUB_ADDRESS
    assert not armed.is_call
    idle = with_and_without_record((NOP, *real.OOL_FUNCTION[1:]), 0x100, 0, patchable=True)
    assert idle.dialect is Dialect.OUT_OF_LINE
    assert idle.state is SiteState.IDLE


def test_a_lone_b_may_be_a_sibling_call() -> None:
    for patchable in (None, False):
        assert decode_site(real.OOL_FUNCTION, 0x100, local_entry=0x100, patchable=patchable) is None


def test_pcrel() -> None:
    site = with_and_without_record(real.PCREL, real.PCREL_ADDRESS, 4)
    assert site.dialect is Dialect.MPROFILE_KERNEL_2


def test_classic_pg() -> None:
    words, address, local = real.PG_LEAF, real.PG_LEAF_ADDRESS, real.PG_LEAF_ADDRESS + 8
    by_record = decode_site(words, address, real.PG_LEAF_SITE, local_entry=local)
    assert by_record is not None
    assert by_record.dialect is Dialect.PG
    assert by_record.state is SiteState.ARMED
    assert by_record.offset == 0x1C
    # Not linked, the bl goes to itself: that is where _mcount is taken to be.
    by_target = decode_site(words, address, local_entry=local, mcount={real.PG_LEAF_SITE})
    assert by_target == by_record
    assert decode_site(words, address, local_entry=local) is None


@pytest.mark.parametrize("words", [(NOP, NOP), (B_PLUS_8, LD_R2)], ids=["vmlinux", "module"])
def test_idle_pg(words: tuple[int, int]) -> None:
    text = (*real.PG_LEAF[:7], *words, *real.PG_LEAF[9:])
    local_entry = real.PG_LEAF_ADDRESS + 8
    site = decode_site(text, real.PG_LEAF_ADDRESS, real.PG_LEAF_SITE, local_entry=local_entry)
    assert site is not None
    assert site.dialect is Dialect.PG
    assert site.state is SiteState.IDLE
    assert site.target is None


def test_a_record_on_something_else() -> None:
    # The record says +0xc, where int_to_scsilun has "li r10,0".
    site = decode_site(
        real.LEAF, real.LEAF_ADDRESS, real.LEAF_ADDRESS + 0xC, local_entry=real.LEAF_ADDRESS
    )
    assert site is not None
    assert site.dialect is Dialect.UNKNOWN
    assert site.state is SiteState.UNKNOWN


@pytest.mark.parametrize("ip", [0xC0080000001401DC, 0xC0080000001401E6, 0xC008000000140200, 0])
def test_a_record_outside_the_words(ip: int) -> None:
    assert decode_site(real.LEAF, real.LEAF_ADDRESS, ip, local_entry=real.LEAF_ADDRESS) is None


def test_no_site() -> None:
    assert decode_site(real.MCOUNT_WORDS, real.MCOUNT, local_entry=real.MCOUNT) is None
    assert decode_site((), 0, local_entry=0) is None
    # A prologue without a site.
    assert decode_site((MFLR_R0, STD_R0, STDU_R1), 0, local_entry=0) is None


@given(
    texts,
    addresses,
    st.none() | st.integers(-8, 120),
    st.integers(-8, 120),
    st.sampled_from([None, False, True]),
)
def test_never_raises(
    words: list[int], address: int, ip: int | None, local: int, patchable: bool | None
) -> None:
    site = decode_site(
        words,
        address,
        None if ip is None else address + ip,
        local_entry=address + local,
        patchable=patchable,
    )
    if site is not None:
        assert words[site.offset // 4] == site.word
        assert site.address == address + site.offset
        assert (site.target is not None) is (site.state is SiteState.ARMED)
