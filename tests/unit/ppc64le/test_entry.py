# SPDX-License-Identifier: GPL-2.0-or-later
import pytest
from hypothesis import given
from hypothesis import strategies as st

from klp_debug.ppc64le.entry import TocSetup, decode_entry, local_entry_offset
from tests.support import real_words as real
from tests.support.strategies import MASK64, texts, u64


def test_the_seed_s_leaf_sets_no_toc() -> None:
    entry = decode_entry(real.SEED_LEAF, real.SEED_LEAF_ADDRESS, st_other=0)
    assert entry.global_entry == entry.local_entry == 0x2D0
    assert entry.toc_setup is TocSetup.NONE
    assert entry.toc is None
    assert entry.agrees_with_st_other is True


def test_the_seed_s_other_function_sets_its_toc() -> None:
    entry = decode_entry(real.SEED_NON_LEAF, real.SEED_NON_LEAF_ADDRESS, st_other=0x60)
    assert entry.global_entry == 0x330
    assert entry.local_entry == 0x338
    assert entry.toc_setup is TocSetup.R12
    assert entry.agrees_with_st_other is True


def test_toc_of_vmlinux() -> None:
    entry = decode_entry(real.CMDLINE_PROC_SHOW, real.CMDLINE_PROC_SHOW_ADDRESS)
    assert entry.toc == real.KERNEL_TOC
    assert entry.toc_quad_address is None
    assert entry.agrees_with_st_other is None


def test_toc_of_a_loaded_module() -> None:
    entry = decode_entry(real.NON_LEAF, real.NON_LEAF_ADDRESS)
    assert entry.toc == real.SCSI_COMMON_TOC
    assert decode_entry(real.IDLE, real.IDLE_ADDRESS).toc == real.SCSI_COMMON_TOC


def test_large_model_takes_its_toc_from_the_quad_before_it() -> None:
    words, address = real.KO_NON_LEAF, real.KO_NON_LEAF_ADDRESS
    entry = decode_entry(words, address, st_other=real.KO_NON_LEAF_ST_OTHER)
    assert entry.toc_setup is TocSetup.R12
    assert entry.local_entry == 0x340
    assert entry.toc is None
    assert entry.toc_quad_address == 0x330
    assert entry.agrees_with_st_other is True
    # Had the loader not rewritten it, the loaded function would compute the same TOC.
    loaded = decode_entry(words, real.NON_LEAF_ADDRESS, toc_quad=real.NON_LEAF_TOC_QUAD)
    assert loaded.toc == real.SCSI_COMMON_TOC


def test_a_quad_elsewhere_is_not_the_one_given() -> None:
    # GNU as: ld r2,-16(r12); add r2,r12,r2
    entry = decode_entry((0xE84CFFF0, 0x7C4C1214), 0x1000, toc_quad=0x8000)
    assert entry.toc_setup is TocSetup.R12
    assert entry.toc_quad_address == 0xFF0
    assert entry.toc is None


def test_ldu_is_not_ld() -> None:
    # GNU as: ldu r2,-8(r12)
    assert decode_entry((0xE84CFFF9, 0x7C426214), 0).toc_setup is TocSetup.NONE


def test_absolute() -> None:
    # GNU as: lis r2,-16384; addi r2,r2,-32768
    entry = decode_entry((0x3C40C000, 0x38428000), 0x1000, st_other=0x60)
    assert entry.toc_setup is TocSetup.ABSOLUTE
    assert entry.toc == 0xFFFFFFFFBFFF8000
    assert entry.local_entry == 0x1008


def test_addis_r0_r2_is_not_lis_r2() -> None:
    # LIS_R2 as 4.5 and 4.7 define it.
    assert decode_entry((0x3C020000, 0x38420000), 0).toc_setup is TocSetup.NONE


def test_pcrel_by_symbol_or_by_kernel() -> None:
    words, address = real.PCREL, real.PCREL_ADDRESS
    by_symbol = decode_entry(words, address, st_other=real.PCREL_ST_OTHER)
    assert by_symbol.toc_setup is TocSetup.PCREL
    assert by_symbol.local_entry == address
    assert by_symbol.agrees_with_st_other is True
    assert decode_entry(words, address, pcrel=True).toc_setup is TocSetup.PCREL
    # The words alone are those of a leaf.
    assert decode_entry(words, address).toc_setup is TocSetup.NONE


def test_in_pcrel_code_r2_is_a_scratch_register() -> None:
    constant_in_r2 = (0x3C40C000, 0x38428000)
    assert decode_entry(constant_in_r2, 0, pcrel=True).toc_setup is TocSetup.PCREL


def test_words_win_over_the_symbol_where_they_set_a_toc() -> None:
    entry = decode_entry(real.NON_LEAF, real.NON_LEAF_ADDRESS, st_other=0)
    assert entry.toc_setup is TocSetup.R12
    assert entry.local_entry == real.NON_LEAF_ADDRESS + 8
    assert entry.agrees_with_st_other is False


def test_symbol_wins_where_the_words_set_none() -> None:
    # As gcc 12 compiles -fpatchable-function-entry=2.
    st_other = real.PATCHABLE_REJECTED_ST_OTHER
    entry = decode_entry(real.PATCHABLE_REJECTED, 0x30, st_other=st_other)
    assert entry.toc_setup is TocSetup.NONE
    assert entry.local_entry == 0x40
    assert entry.agrees_with_st_other is False


def test_reserved_st_other() -> None:
    entry = decode_entry(real.LEAF, real.LEAF_ADDRESS, st_other=0xE0)
    assert entry.local_entry == real.LEAF_ADDRESS
    assert entry.agrees_with_st_other is False


@pytest.mark.parametrize(
    ("st_other", "offset"),
    # module_64.c: (((1 << value) >> 2) << 2); the low bits are the symbol's visibility.
    [(0x00, 0), (0x20, 0), (0x40, 4), (0x60, 8), (0x62, 8), (0x80, 16), (0xA0, 32), (0xC0, 64)],
)
def test_local_entry_offset(st_other: int, offset: int) -> None:
    assert local_entry_offset(st_other) == offset


def test_local_entry_offset_reserved() -> None:
    with pytest.raises(ValueError, match="reserved"):
        local_entry_offset(0xE0)


@given(texts, u64, st.none() | st.integers(0, 255), st.booleans(), st.none() | u64)
def test_never_raises(
    words: list[int], address: int, st_other: int | None, pcrel: bool, toc_quad: int | None
) -> None:
    entry = decode_entry(words, address, st_other=st_other, pcrel=pcrel, toc_quad=toc_quad)
    assert entry.global_entry == address
    assert entry.toc is None or 0 <= entry.toc <= MASK64
    if entry.toc_setup in (TocSetup.R12, TocSetup.ABSOLUTE):
        assert entry.local_entry == (address + 8) & MASK64
