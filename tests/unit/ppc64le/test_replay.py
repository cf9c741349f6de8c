# SPDX-License-Identifier: GPL-2.0-or-later
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klp_debug.ppc64le.replay import (
    LoadError,
    Memory,
    Number,
    Store,
    Value,
    format_number,
    replay,
)
from tests.support import real_words as real
from tests.support.strategies import MASK64, texts, u64

MTCTR_R12, BCTR = 0x7D8903A6, 0x4E800420


def memory(contents: Mapping[int, int]) -> Callable[[int], int]:
    def load(address: int) -> int:
        try:
            return contents[address]
        except KeyError:
            raise LoadError("not mapped") from None

    return load


def test_the_seed_s_crash_register_by_register() -> None:
    outcome = replay(
        real.CRASH_STUB,
        real.CRASH_STUB_ADDRESS,
        registers={"r1": 0xC000000004000000, "r2": real.CRASH_R2},
        load=memory({real.CRASH_R11 + 32: 0}),
    )
    assert outcome.target == 0
    assert outcome.stopped is None
    assert [(step.register, step.value) for step in outcome.steps] == [
        ("r11", 0xC0080000001E8000),
        ("r11", real.CRASH_R11),
        (None, None),
        ("r12", 0),
        ("ctr", 0),
        (None, None),
    ]
    assert outcome.steps[3].loaded_from == real.CRASH_R11 + 32
    assert outcome.steps[2].store == Store(0xC000000004000018, real.CRASH_R2)
    assert outcome.stores == ((0xC000000004000018, real.CRASH_R2),)


def test_with_the_right_r2_the_stub_finds_itself() -> None:
    outcome = replay(
        real.CRASH_STUB,
        real.CRASH_STUB_ADDRESS,
        registers={"r2": real.CRASH_SCSI_COMMON_TOC},
        load=memory({real.CRASH_STUB_ADDRESS + 32: real.FTRACE_CALLER}),
    )
    assert outcome.target == real.FTRACE_CALLER
    assert outcome.steps[1].value == real.CRASH_STUB_ADDRESS


def test_without_registers_it_tells_what_it_needs() -> None:
    outcome = replay(real.CRASH_STUB, real.CRASH_STUB_ADDRESS)
    # -0x27ac0 is the stub's distance from scsi_common's TOC.
    assert outcome.target == Value(Memory(Value("r2", -0x27AC0 + 32), 8))
    assert outcome.reads == {"r2"}
    assert outcome.stores == ((Value("r1", 24), Value("r2")),)
    assert not outcome.link


def test_kernel_toc_stub_needs_the_paca_only() -> None:
    outcome = replay(real.SCSI_COMMON_TRAMP_WORDS, real.SCSI_COMMON_TRAMP)
    paca_kernel_toc = Memory(Value("r13", real.PACA_KERNEL_TOC_OFFSET), 8)
    assert outcome.target == Value(paca_kernel_toc, real.FTRACE_CALLER - real.KERNEL_TOC)
    assert outcome.reads == {"r13"}
    assert outcome.stores == ()


def test_kernel_toc_stub_with_a_paca() -> None:
    paca = 0xC00000003FFFF000
    outcome = replay(
        real.FTRACE_TRAMP_TEXT,
        real.FTRACE_TRAMP_TEXT_ADDRESS,
        registers={"r13": paca},
        load=memory({paca + real.PACA_KERNEL_TOC_OFFSET: real.KERNEL_TOC}),
    )
    assert outcome.target == real.FTRACE_REGS_CALLER


def test_mcount_returns_behind_the_site() -> None:
    outcome = replay(real.MCOUNT_WORDS, real.MCOUNT)
    assert outcome.target == Value("lr")
    assert outcome.reads == {"lr"}
    assert outcome.steps[2].register == "lr"
    assert outcome.steps[2].value == Value("r0")


def test_out_of_line_stub_ends_at_its_call() -> None:
    outcome = replay(real.OOL_STUB, real.OOL_STUB_ADDRESS)
    assert outcome.target == real.OOL_CALLER
    assert outcome.link
    assert outcome.reads == frozenset()
    assert outcome.steps[0].register == "r0"
    assert outcome.steps[0].value == Value("lr")
    assert outcome.steps[-1].register == "lr"
    assert outcome.steps[-1].value == real.OOL_STUB_ADDRESS + 8


def test_global_entry_of_a_large_model_function() -> None:
    # ld r2,-8(r12); add r2,r2,r12 of scsi_set_sense_information, where it was loaded.
    outcome = replay(
        (*real.KO_NON_LEAF[:2], BCTR),
        real.NON_LEAF_ADDRESS,
        registers={"r12": real.NON_LEAF_ADDRESS},
        load=memory({real.NON_LEAF_ADDRESS - 8: real.NON_LEAF_TOC_QUAD}),
    )
    assert outcome.steps[1].register == "r2"
    assert outcome.steps[1].value == real.SCSI_COMMON_TOC


def test_a_sum_of_two_unknowns_stops() -> None:
    outcome = replay(real.KO_NON_LEAF[:2], 0)
    assert outcome.target is None
    assert outcome.stopped == "a sum of two unknowns"
    assert len(outcome.steps) == 1


def test_a_sum_depends_on_both() -> None:
    # add r2,r2,r12; mtctr r2; bctr
    outcome = replay((0x7C426214, 0x7C4903A6, BCTR), 0, registers={"r2": MASK64, "r12": 3})
    assert outcome.target == 2
    assert outcome.reads == {"r2", "r12"}


def test_prefixed_instructions_count_from_the_prefix() -> None:
    pld = replay(real.PCREL_STUB, 0xC008000000100000, load=memory({0xC008000000100020: 0x1234}))
    assert pld.target == 0x1234
    assert pld.steps[0].words == real.PCREL_STUB[:2]
    assert pld.steps[1].address == 0xC008000000100008
    assert pld.reads == frozenset()
    assert replay(real.PLA_STUB, 0x1000).target == 0xFF8
    paddi = replay(real.PCREL_FTRACE_STUB, 0)
    assert paddi.target == Value(Memory(Value("r13", 40), 8), 0x12345678)


def test_pc_relative_with_a_base_register_is_invalid() -> None:
    # pld r12,32(r3) with R=1
    outcome = replay((0x04100000, 0xE5830020, MTCTR_R12, BCTR), 0)
    assert outcome.stopped is not None
    assert "unknown instruction" in outcome.stopped


def test_lwz_takes_four_bytes() -> None:
    # lwz r8,4(r11), as ftrace_caller reads an out-of-line stub's branch.
    outcome = replay(
        (0x810B0004,), 0, registers={"r11": 0x100}, load=memory({0x104: 0x73747562_4BFFFCF8})
    )
    assert outcome.steps[0].value == 0x4BFFFCF8


def test_a_load_finds_an_earlier_store() -> None:
    # std r2,24(r1); ld r12,24(r1); mtctr r12; bctr
    words = (0xF8410018, 0xE9810018, MTCTR_R12, BCTR)
    assert replay(words, 0).target == Value("r2")
    assert replay(words, 0).reads == {"r1", "r2"}
    given_both = replay(words, 0, registers={"r1": 0x1000, "r2": 0x42}, load=memory({}))
    assert given_both.target == 0x42


def test_a_load_across_an_earlier_store_stops() -> None:
    # std r2,24(r1); lwz r12,28(r1)
    assert replay((0xF8410018, 0x8181001C), 0).stopped == "a load overlaps an earlier store"


def test_stdu_moves_its_base() -> None:
    # stdu r1,-32(r1); std r0,16(r1); blr
    outcome = replay((0xF821FFE1, 0xF8010010, 0x4E800020), 0)
    assert outcome.steps[0].register == "r1"
    assert outcome.steps[0].value == Value("r1", -32)
    assert outcome.stores == ((Value("r1", -32), Value("r1")), (Value("r1", -16), Value("r0")))
    assert outcome.target == Value("lr")


def test_unreadable_memory_stops() -> None:
    outcome = replay(real.CRASH_STUB, real.CRASH_STUB_ADDRESS, registers={"r2": 0}, load=memory({}))
    assert outcome.target is None
    assert outcome.reads == frozenset()
    # 0 - 0x27ac0 + 32
    assert outcome.stopped == "0xfffffffffffd8560 cannot be read: not mapped"
    assert len(outcome.steps) == 3


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ((), "the words end before a branch"),
        ((0x60000000,), "the words end before a branch"),
        ((0x04100000,), "the words end within a prefixed instruction"),
        ((0x7C0004AC,), "unknown instruction 0x7c0004ac at 0x1000"),  # sync
        ((0x41820044,), "unknown instruction 0x41820044 at 0x1000"),  # beq
        ((0x60000000,) * 20, "no branch within 16 instructions"),
    ],
)
def test_why_it_stopped(words: tuple[int, ...], reason: str) -> None:
    assert replay(words, 0x1000).stopped == reason


def test_numbers_as_text() -> None:
    assert format_number(0xC008000000120640) == "0xc008000000120640"
    assert format_number(Value("r2")) == "r2"
    assert format_number(Value("r2", -0x20000)) == "r2-0x20000"
    assert format_number(Value(Memory(Value("r13", 16), 8), 8)) == "[r13+0x10]+0x8"
    assert format_number(Value(Memory(0x20, 8))) == "[0x20]"


@given(texts, u64, st.integers(0, 20), st.dictionaries(st.sampled_from(["r1", "r2", "lr"]), u64))
def test_always_ends(words: list[int], address: int, limit: int, registers: dict[str, int]) -> None:
    outcome = replay(words, address, registers=registers, load=lambda at: at, limit=limit)
    assert len(outcome.steps) <= limit
    assert (outcome.target is None) is (outcome.stopped is not None)
    for step in outcome.steps:
        if isinstance(step.value, int):
            assert 0 <= step.value <= MASK64


# Programs of known meaning: what they compute is worked out here in another way.


@dataclass(frozen=True)
class Op:
    """One instruction of a program, with its own encoding and meaning."""

    name: str
    rt: int
    ra: int
    immediate: int

    def words(self) -> tuple[int, ...]:
        """Encode, by the tables of the Power ISA."""
        fields = self.rt << 21 | self.ra << 16
        low = self.immediate & 0xFFFF
        match self.name:
            case "addi":
                return (14 << 26 | fields | low,)
            case "addis":
                return (15 << 26 | fields | low,)
            case "ld":
                return (58 << 26 | fields | low,)
            case "lwz":
                return (32 << 26 | fields | low,)
            case "paddi":
                return (0x06000000 | self.immediate >> 16 & 0x3FFFF, 14 << 26 | fields | low)
            case "pld":
                return (0x04000000 | self.immediate >> 16 & 0x3FFFF, 57 << 26 | fields | low)
            case _:
                return (0x60000000,)

    def run(self, registers: dict[int, int]) -> None:
        """Do to plain numbers what the instruction does."""
        base = registers[self.ra] if self.ra else 0
        match self.name:
            case "addi" | "paddi":
                registers[self.rt] = (base + self.immediate) % 2**64
            case "addis":
                registers[self.rt] = (base + self.immediate * 65536) % 2**64
            case "ld" | "pld":
                registers[self.rt] = contents((base + self.immediate) % 2**64)
            case "lwz":
                registers[self.rt] = contents((base + self.immediate) % 2**64) % 2**32


def contents(address: int) -> int:
    """Return what memory holds: a different number at each address."""
    return (address * 0x9E3779B97F4A7C15 + 0x1234567) % 2**64


_s16 = st.integers(-0x8000, 0x7FFF)
_register = st.integers(0, 5)
_ops = st.one_of(
    st.builds(Op, st.sampled_from(["addi", "addis", "lwz", "nop"]), _register, _register, _s16),
    st.builds(Op, st.just("ld"), _register, _register, _s16.map(lambda n: n & ~3)),
    st.builds(
        Op,
        st.sampled_from(["paddi", "pld"]),
        _register,
        _register,
        st.integers(-(1 << 33), (1 << 33) - 1),
    ),
)
_programs = st.lists(_ops, max_size=12)
_contexts = st.lists(u64, min_size=6, max_size=6)


def program_words(program: list[Op]) -> list[int]:
    """Encode a program that branches to what r3 holds in the end."""
    mtctr_r3 = 0x7C6903A6
    return [word for op in program for word in op.words()] + [mtctr_r3, BCTR]


def named(context: list[int]) -> dict[str, int]:
    return {f"r{number}": value for number, value in enumerate(context)}


@given(_programs, _contexts)
def test_concrete_replay_is_plain_arithmetic(program: list[Op], context: list[int]) -> None:
    registers = dict(enumerate(context))
    for op in program:
        op.run(registers)
    outcome = replay(program_words(program), 0x1000, registers=named(context), load=contents)
    assert outcome.stopped is None
    assert outcome.target == registers[3]


def evaluate(number: Number, registers: Mapping[str, int]) -> int:
    """Work an unknown out, given the registers at entry."""
    if isinstance(number, int):
        return number
    base = number.base
    if isinstance(base, Memory):
        loaded = contents(evaluate(base.address, registers)) % (1 << 8 * base.size)
        return (loaded + number.offset) % 2**64
    return (registers[base] + number.offset) % 2**64


@given(_programs, _contexts)
def test_symbolic_replay_means_the_same(program: list[Op], context: list[int]) -> None:
    words = program_words(program)
    symbolic = replay(words, 0x1000)
    concrete = replay(words, 0x1000, registers=named(context), load=contents)
    assert symbolic.target is not None
    assert evaluate(symbolic.target, named(context)) == concrete.target
    assert symbolic.reads == concrete.reads


@given(_programs, _contexts, _register, u64)
def test_what_it_does_not_read_does_not_matter(
    program: list[Op], context: list[int], changed: int, value: int
) -> None:
    words = program_words(program)
    before = replay(words, 0x1000, registers=named(context), load=contents)
    other = [*context[:changed], value, *context[changed + 1 :]]
    after = replay(words, 0x1000, registers=named(other), load=contents)
    if f"r{changed}" not in replay(words, 0x1000).reads:
        assert before.target == after.target
