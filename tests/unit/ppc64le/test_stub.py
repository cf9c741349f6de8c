# SPDX-License-Identifier: GPL-2.0-or-later
from hypothesis import given

from klp_debug.ppc64le.replay import LoadError
from klp_debug.ppc64le.stub import (
    FUNCDATA_OFFSET,
    STUB_ENTRY_SIZE,
    STUB_MAGIC,
    StubKind,
    decode_ool_stub,
    decode_stub,
    stub_target,
)
from tests.support import real_words as real
from tests.support.strategies import MASK64, texts, u64

NOP = 0x60000000
MAGIC_OFFSET = 28


def unreadable(address: int) -> int:
    raise LoadError(f"{address:#x}")


def test_layout_of_struct_ppc64_stub_entry() -> None:
    words = real.ORDINARY_STUB
    assert len(words) * 4 == STUB_ENTRY_SIZE
    assert words[MAGIC_OFFSET // 4] == STUB_MAGIC
    assert bytes.fromhex("62757473") == STUB_MAGIC.to_bytes(4, "little")
    funcdata = words[FUNCDATA_OFFSET // 4] | words[FUNCDATA_OFFSET // 4 + 1] << 32
    assert funcdata == real.LEAF_ADDRESS


def test_ordinary_stub() -> None:
    stub = decode_stub(real.ORDINARY_STUB, real.ORDINARY_STUB_ADDRESS)
    assert stub.kind is StubKind.R2_RELATIVE
    assert stub.needs == "r2"
    assert stub.saves_toc
    assert stub.length == 24
    assert stub.paca_offset is None
    assert stub.right_r2 == real.LEAF_PROBE_TOC
    assert stub.toc_offset == real.ORDINARY_STUB_ADDRESS + 32 - real.LEAF_PROBE_TOC


def test_target_of_an_ordinary_stub() -> None:
    words = real.ORDINARY_STUB
    stub = decode_stub(words, real.ORDINARY_STUB_ADDRESS)
    # With the right r2 it reads its own funcdata, so no memory is needed.
    assert stub_target(stub, words, r2=real.LEAF_PROBE_TOC) == real.LEAF_ADDRESS
    assert stub_target(stub, words, r2=real.SCSI_COMMON_TOC, load=lambda _: 0) == 0
    assert stub_target(stub, words, r2=real.SCSI_COMMON_TOC, load=unreadable) is None
    assert stub_target(stub, words, r2=real.SCSI_COMMON_TOC) is None
    assert stub_target(stub, words) is None
    assert stub_target(stub, words, kernel_toc=real.KERNEL_TOC, load=lambda _: 0) is None


def test_half_a_funcdata_is_not_taken_from_the_words() -> None:
    words = real.ORDINARY_STUB[:9]
    stub = decode_stub(words, real.ORDINARY_STUB_ADDRESS)
    assert stub_target(stub, words, r2=real.LEAF_PROBE_TOC) is None
    assert stub_target(stub, words, r2=real.LEAF_PROBE_TOC, load=lambda _: 0x42) == 0x42


def test_the_stub_of_the_seed_s_crash() -> None:
    stub = decode_stub(real.CRASH_STUB, real.CRASH_STUB_ADDRESS)
    assert stub.needs == "r2"
    assert stub.right_r2 == real.CRASH_SCSI_COMMON_TOC
    memory = {real.CRASH_R11 + 32: 0}
    assert stub_target(stub, real.CRASH_STUB, r2=real.CRASH_R2, load=memory.__getitem__) == 0


def test_ordinary_stub_without_toc_save() -> None:
    # squash_toc_save_inst(), 4.6 to 5.7
    words = (*real.ORDINARY_STUB[:2], NOP, *real.ORDINARY_STUB[3:])
    stub = decode_stub(words, real.ORDINARY_STUB_ADDRESS)
    assert stub.kind is StubKind.R2_RELATIVE
    assert not stub.saves_toc
    assert stub.right_r2 == real.LEAF_PROBE_TOC


def test_ftrace_stub_of_a_module() -> None:
    words = real.SCSI_COMMON_TRAMP_WORDS
    stub = decode_stub(words, real.SCSI_COMMON_TRAMP)
    assert stub.kind is StubKind.KERNEL_TOC
    assert stub.needs == "kernel-toc"
    assert stub.paca_offset == real.PACA_KERNEL_TOC_OFFSET
    assert stub.toc_offset == real.FTRACE_CALLER - real.KERNEL_TOC
    assert not stub.saves_toc
    assert stub.length == 20
    assert stub.right_r2 is None
    assert stub_target(stub, words, kernel_toc=real.KERNEL_TOC) == real.FTRACE_CALLER
    assert stub_target(stub, words, kernel_toc=real.KERNEL_TOC, load=unreadable) == (
        real.FTRACE_CALLER
    )
    assert stub_target(stub, words, r2=real.SCSI_COMMON_TOC) is None


def test_ftrace_tramp_of_the_kernel() -> None:
    words = real.FTRACE_TRAMP_TEXT
    stub = decode_stub(words, real.FTRACE_TRAMP_TEXT_ADDRESS)
    assert stub.kind is StubKind.KERNEL_TOC
    assert stub_target(stub, words, kernel_toc=real.KERNEL_TOC) == real.FTRACE_REGS_CALLER


def test_linker_s_plt_branch() -> None:
    stub = decode_stub(real.PLT_BRANCH, real.PLT_BRANCH_ADDRESS)
    assert stub.kind is StubKind.R2_RELATIVE
    assert stub.right_r2 is None
    assert stub.length == 12
    target = stub_target(
        stub, real.PLT_BRANCH, r2=real.PLT_BRANCH_TOC, load=real.PLT_BRANCH_TABLE.__getitem__
    )
    assert target == 0xC000000010000008


def test_pcrel_stub() -> None:
    words = (*real.PCREL_STUB, 0, 0, 0, STUB_MAGIC, 0x0005DA0C, 0xC0000000)
    stub = decode_stub(words, 0xC008000000100000)
    assert stub.kind is StubKind.PCREL
    assert stub.needs is None
    assert stub.length == 16
    assert stub_target(stub, words) == real.FTRACE_CALLER


def test_pla_stub() -> None:
    stub = decode_stub(real.PLA_STUB, 0x1000)
    assert stub.kind is StubKind.PCREL
    assert stub_target(stub, real.PLA_STUB) == 0xFF8


def test_pcrel_ftrace_stub() -> None:
    stub = decode_stub(real.PCREL_FTRACE_STUB, 0x1000)
    assert stub.kind is StubKind.PCREL_KERNEL_BASE
    assert stub.needs == "kernel-base"
    assert stub.paca_offset == 40
    assert stub.toc_offset == 0x12345678
    kernel_base = 0xC000000000000000
    assert stub_target(stub, real.PCREL_FTRACE_STUB, kernel_base=kernel_base) == 0xC000000012345678
    assert stub_target(stub, real.PCREL_FTRACE_STUB, kernel_toc=kernel_base) is None


def test_long_branch() -> None:
    # objdump: c0000000002f72fc: bl c00000000005c2f0; a b without the link bit
    stub = decode_stub((0x4BD64FF4,), 0xC0000000002F72FC)
    assert stub.kind is StubKind.LONG_BRANCH
    assert stub.needs is None
    assert stub.length == 4
    assert stub_target(stub, (0x4BD64FF4,)) == real.MCOUNT


def test_out_of_line_stub() -> None:
    ool = decode_ool_stub(real.OOL_STUB, real.OOL_STUB_ADDRESS)
    assert ool is not None
    assert ool.call_target == real.OOL_CALLER
    assert ool.return_to == real.OOL_FUNCTION_ADDRESS + 4
    assert ool.site == real.OOL_FUNCTION_ADDRESS
    stub = decode_stub(real.OOL_STUB, real.OOL_STUB_ADDRESS)
    assert stub.kind is StubKind.OUT_OF_LINE
    assert stub.length == 16
    assert stub_target(stub, real.OOL_STUB) == real.OOL_CALLER


def test_what_is_no_out_of_line_stub() -> None:
    good = real.OOL_STUB
    assert decode_ool_stub(good[:3], 0) is None
    for index in range(4):
        assert decode_ool_stub((*good[:index], NOP, *good[index + 1 :]), 0) is None


def test_what_is_no_stub() -> None:
    for words, address in (
        ((), 0),
        ((0,) * 10, 0),
        (real.MCOUNT_WORDS, real.MCOUNT),
        (real.LEAF, real.LEAF_ADDRESS),
        (real.NON_LEAF, real.NON_LEAF_ADDRESS),
        ((0x48000001,), 0),  # bl
        ((*real.ORDINARY_STUB[:5], 0x4E800421), 0),  # bctrl
        # ld r12,32(r2); addi r12,r12,8; mtctr r12; bctr
        ((0xE9820020, 0x398C0008, 0x7D8903A6, 0x4E800420), 0),
    ):
        stub = decode_stub(words, address)
        assert stub.kind is StubKind.UNKNOWN
        assert stub.needs is None
        assert stub.length == 0


@given(texts, u64)
def test_never_raises(words: list[int], address: int) -> None:
    stub = decode_stub(words, address)
    assert stub.address == address
    assert 0 <= stub.length <= 4 * len(words)
    target = stub_target(stub, words, r2=1 << 60, kernel_toc=2 << 60, load=lambda at: at)
    assert target is None or 0 <= target <= MASK64
    ool = decode_ool_stub(words, address)
    assert (ool is not None) is (stub.kind is StubKind.OUT_OF_LINE)
