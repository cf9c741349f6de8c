# SPDX-License-Identifier: GPL-2.0-or-later
"""
Runs the few instructions that stubs and trampolines consist of, up to their branch.

Registers start as what they were given, or else as themselves: a value that is not known is
carried along as *register at entry + offset* or *memory at an address + offset*. So the same
replay proves where a stub went with the registers of a crash, and tells without any registers
what the stub depends on.

Source: the Power ISA 3.1, Book I. Reference for what occurs: ``ppc64_stub_insns`` and
``stub_insns`` in arch/powerpc/kernel/module_64.c, ``ftrace_init_ool_stub()`` in
arch/powerpc/kernel/trace/ftrace.c.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from klp_debug.ppc64le.instruction import (
    BCTR,
    BCTRL,
    BLR,
    MASK64,
    NOP,
    OP_ADDI,
    OP_ADDIS,
    OP_LWZ,
    branch_target,
    ds,
    is_bl,
    is_ld,
    is_prefix,
    is_std,
    is_stdu,
    prefix_is_pc_relative,
    primary_opcode,
    ra,
    rb,
    rt,
    sign_extend,
    simm16,
    simm34,
)

_XFORM_MASK = 0xFC1FFFFF
_MFLR, _MTLR, _MTCTR = 0x7C0802A6, 0x7C0803A6, 0x7C0903A6
_ADD_MASK, _ADD = 0xFC0007FF, 0x7C000214
# All of a prefix but R and the immediate, and the suffix's primary opcode.
_PREFIX_MASK = 0xFFEC0000
_PADDI = 0x06000000, OP_ADDI
_PLD = 0x04000000, 57


class LoadError(Exception):
    """Raised by a ``load`` function: the memory cannot be read. Its text is the reason."""


@dataclass(frozen=True, slots=True)
class Memory:
    """What memory held at entry, as an unknown."""

    address: "Number"
    size: int
    """8 or 4 bytes; 4 are zero-extended."""

    def __str__(self) -> str:
        return f"[{format_number(self.address)}]"


@dataclass(frozen=True, slots=True)
class Value:
    """A number that is not known: something at entry plus a known offset."""

    base: str | Memory
    """A register (``r2``, ``lr``, ``ctr``) or memory, as it was at entry."""
    offset: int = 0
    """Signed; all arithmetic is modulo 2**64."""

    def __str__(self) -> str:
        return f"{self.base}{self.offset:+#x}" if self.offset else str(self.base)


Number = int | Value
"""A register's contents: known (0 to 2**64 - 1), or not."""


def format_number(number: Number) -> str:
    """
    Return a number in hex, or as ``r2-0x20000``, ``[r13+0x10]``.

    >>> format_number(0xC000), format_number(Value("r2", -0x20000))
    ('0xc000', 'r2-0x20000')
    """
    return f"{number:#x}" if isinstance(number, int) else str(number)


@dataclass(frozen=True, slots=True)
class Store:
    """A store to memory."""

    address: Number
    value: Number


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One instruction and what it did."""

    address: int
    words: tuple[int, ...]
    """One word, or two of a prefixed instruction."""
    register: str | None = None
    """The register it set, if any: ``r12``, ``ctr``, ``lr``."""
    value: Number | None = None
    """What that register then held."""
    loaded_from: Number | None = None
    """The address it loaded from, if it did."""
    store: Store | None = None
    """What it stored, if it did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayResult:
    """How a replay ended."""

    target: Number | None
    """Where the first branch goes; None if none was reached, see ``stopped``."""
    link: bool
    """Whether that branch sets LR (bl, bctrl)."""
    reads: frozenset[str]
    """
    The registers at entry that the target depends on, through addresses of loads, too.

    Given registers are among them: with another value the target may be another.
    """
    steps: tuple[Step, ...]
    """What was run, in order, the branch included."""
    stopped: str | None
    """Why no branch was reached: an unknown word, unreadable memory, the end of the words."""

    @property
    def stores(self) -> tuple[tuple[Number, Number], ...]:
        """All stores in order, (address, value) each."""
        return tuple((step.store.address, step.store.value) for step in self.steps if step.store)


def replay(
    words: Sequence[int],
    address: int,
    *,
    registers: Mapping[str, int] | None = None,
    load: Callable[[int], int] | None = None,
    limit: int = 16,
) -> ReplayResult:
    """
    Run instructions up to the first branch.

    Knows nop, li, lis, addi, addis, add, ld, lwz, std, stdu, mflr, mtlr, mtctr, the prefixed
    paddi (pla, pli) and pld, and the branches b, bl, bctr, bctrl, blr. Stores are not seen by
    ``load``; a later load from the very same address finds what was stored. Stores through one
    unknown are taken not to touch what is loaded through another: stubs store to the stack.

    >>> stub = (0x3D62FFFF, 0x396B8000, 0xF8410018, 0xE98B0020, 0x7D8903A6, 0x4E800420)
    >>> said = replay(stub, 0xC008000000140640)
    >>> str(said.target), sorted(said.reads)  # it is found through its caller's r2
    ('[r2-0x17fe0]', ['r2'])

    :param words: from the first instruction on
    :param address: of the first word
    :param registers: what registers hold at entry, by name (``r2``, ``lr``, ``ctr``); those
        not given stay unknown
    :param load: returns the little-endian u64 at an address, or raises :exc:`LoadError`; any
        other exception passes through. Without it memory stays unknown. It is asked for known
        addresses only, and for 8 bytes even where ``lwz`` needs the first 4.
    :param limit: how many instructions to run at most
    """
    given = {name: value & MASK64 for name, value in (registers or {}).items()}
    machine = _Machine(given=given, loader=load)
    steps: list[Step] = []
    index = 0
    try:
        while index < len(words):
            if len(steps) >= limit:
                raise _StoppedError(f"no branch within {limit} instructions")
            word = words[index]
            # A prefix at the very end is taken alone, and refused when it is executed.
            taken = tuple(words[index : index + (2 if is_prefix(word) else 1)])
            here = (address + 4 * index) & MASK64
            # The first branch ends it: whatever is behind a stub's bctr is data (magic, funcdata).
            branch = _branch(machine, word, here)
            if branch is not None:
                step, target, link = branch
                steps.append(step)
                return ReplayResult(
                    target=target.number,
                    link=link,
                    reads=target.reads,
                    steps=tuple(steps),
                    stopped=None,
                )
            steps.append(_execute(machine, taken, here))
            index += len(taken)
        raise _StoppedError("the words end before a branch")
    except _StoppedError as stop:
        # What was run until then is kept: it says how far a damaged stub makes sense.
        return ReplayResult(
            target=None, link=False, reads=frozenset(), steps=tuple(steps), stopped=str(stop)
        )


class _StoppedError(Exception):
    """Ends a replay; its text is the reason."""


@dataclass(frozen=True, slots=True)
class _Cell:
    """A number with the entry registers it was made from."""

    number: Number
    reads: frozenset[str] = frozenset()

    def plus(self, offset: int) -> "_Cell":
        if isinstance(self.number, int):
            return _Cell((self.number + offset) & MASK64, self.reads)
        moved = Value(self.number.base, sign_extend(self.number.offset + offset, 64))
        return _Cell(moved, self.reads)


@dataclass(slots=True, kw_only=True)
class _Machine:
    """Registers and memory during a replay."""

    given: Mapping[str, int]
    loader: Callable[[int], int] | None
    registers: dict[str, _Cell] = field(default_factory=dict)
    stored: list[tuple[_Cell, _Cell]] = field(default_factory=list)
    """Address and value of each store."""

    def get(self, register: str) -> _Cell:
        if register not in self.registers:
            # Given or not, the entry register is what the result depends on.
            number = self.given.get(register)
            return _Cell(Value(register) if number is None else number, frozenset({register}))
        return self.registers[register]

    def base(self, number: int) -> _Cell:
        """Return RA as an addend: register 0 there reads as the number 0."""
        return self.get(f"r{number}") if number else _Cell(0)

    def load(self, address: _Cell, size: int) -> _Cell:
        # The latest store to the place wins. A store at a distance that is not known (through
        # another unknown) is taken to be elsewhere: see replay().
        for where, cell in reversed(self.stored):
            distance = _distance(where.number, address.number)
            if distance == 0 and size == 8:
                return _Cell(cell.number, cell.reads | where.reads | address.reads)
            # Every store is of 8 bytes: part of what is loaded would be old, part new.
            if distance is not None and -size < distance < 8:
                raise _StoppedError("a load overlaps an earlier store")
        # Memory that cannot be looked at stays a symbol, "[r2+0x8000]", and so remains usable.
        if not isinstance(address.number, int) or self.loader is None:
            return _Cell(Value(Memory(address.number, size)), address.reads)
        try:
            number = self.loader(address.number)
        except LoadError as error:
            reason = f"{address.number:#x} cannot be read"
            raise _StoppedError(f"{reason}: {error}" if str(error) else reason) from error
        return _Cell(number & ((1 << 8 * size) - 1), address.reads)


def _distance(start: Number, end: Number) -> int | None:
    """Return end - start, or None if that is not known."""
    if isinstance(start, int) and isinstance(end, int):
        return sign_extend(end - start, 64)
    if isinstance(start, Value) and isinstance(end, Value) and start.base == end.base:
        return sign_extend(end.offset - start.offset, 64)
    return None


def _branch(machine: _Machine, word: int, here: int) -> tuple[Step, _Cell, bool] | None:
    """Take a branch, if this is one."""
    relative = branch_target(word, here)
    if relative is not None:
        target, link = _Cell(relative), is_bl(word)
    elif word in (BCTR, BCTRL):
        target, link = machine.get("ctr"), word == BCTRL
    elif word == BLR:
        target, link = machine.get("lr"), False
    else:
        return None
    if link:
        back = (here + 4) & MASK64
        return Step(address=here, words=(word,), register="lr", value=back), target, link
    return Step(address=here, words=(word,)), target, link


def _execute(machine: _Machine, words: tuple[int, ...], here: int) -> Step:
    """Run one instruction that is no branch."""
    word = words[0]
    if is_prefix(word):
        return _execute_prefixed(machine, words, here)
    if word == NOP:
        return Step(address=here, words=words)
    if is_std(word) or is_stdu(word):
        return _store(machine, word, here)
    if is_ld(word):
        return _load(machine, words, here, machine.base(ra(word)).plus(ds(word)), 8)
    opcode = primary_opcode(word)
    if opcode == OP_LWZ:
        return _load(machine, words, here, machine.base(ra(word)).plus(simm16(word)), 4)
    if opcode == OP_ADDI:
        return _set(machine, words, here, _rt(word), machine.base(ra(word)).plus(simm16(word)))
    if opcode == OP_ADDIS:
        shifted = simm16(word) << 16
        return _set(machine, words, here, _rt(word), machine.base(ra(word)).plus(shifted))
    if word & _XFORM_MASK == _MFLR:
        return _set(machine, words, here, _rt(word), machine.get("lr"))
    if word & _XFORM_MASK == _MTLR:
        return _set(machine, words, here, "lr", machine.get(_rt(word)))
    if word & _XFORM_MASK == _MTCTR:
        return _set(machine, words, here, "ctr", machine.get(_rt(word)))
    if word & _ADD_MASK == _ADD:
        total = _add(machine.get(f"r{ra(word)}"), machine.get(f"r{rb(word)}"))
        return _set(machine, words, here, _rt(word), total)
    raise _StoppedError(f"unknown instruction {word:#010x} at {here:#x}")


def _execute_prefixed(machine: _Machine, words: tuple[int, ...], here: int) -> Step:
    if len(words) < 2:
        raise _StoppedError("the words end within a prefixed instruction")
    prefix, suffix = words
    operation = prefix & _PREFIX_MASK, primary_opcode(suffix)
    relative = prefix_is_pc_relative(prefix)
    if operation not in (_PADDI, _PLD) or (relative and ra(suffix)):
        raise _StoppedError(f"unknown instruction {prefix:#010x} {suffix:#010x} at {here:#x}")
    base = _Cell(here) if relative else machine.base(ra(suffix))
    address = base.plus(simm34(prefix, suffix))
    if operation == _PLD:
        return _load(machine, words, here, address, 8)
    return _set(machine, words, here, _rt(suffix), address)


def _rt(word: int) -> str:
    return f"r{rt(word)}"


def _set(machine: _Machine, words: tuple[int, ...], here: int, register: str, cell: _Cell) -> Step:
    machine.registers[register] = cell
    return Step(address=here, words=words, register=register, value=cell.number)


def _load(machine: _Machine, words: tuple[int, ...], here: int, address: _Cell, size: int) -> Step:
    cell = machine.load(address, size)
    register = _rt(words[-1])
    machine.registers[register] = cell
    return Step(
        address=here,
        words=words,
        register=register,
        value=cell.number,
        loaded_from=address.number,
    )


def _store(machine: _Machine, word: int, here: int) -> Step:
    """Run std or stdu; the latter leaves the address in RA."""
    if is_stdu(word) and ra(word) == 0:
        raise _StoppedError(f"invalid stdu {word:#010x} at {here:#x}")
    address = machine.base(ra(word)).plus(ds(word))
    source = machine.get(_rt(word))
    machine.stored.append((address, source))
    store = Store(address.number, source.number)
    if not is_stdu(word):
        return Step(address=here, words=(word,), store=store)
    register = f"r{ra(word)}"
    machine.registers[register] = address
    return Step(address=here, words=(word,), register=register, value=address.number, store=store)


def _add(left: _Cell, right: _Cell) -> _Cell:
    if isinstance(right.number, int):
        total = left.plus(right.number)
    elif isinstance(left.number, int):
        total = right.plus(left.number)
    else:
        raise _StoppedError("a sum of two unknowns")
    return _Cell(total.number, left.reads | right.reads)
