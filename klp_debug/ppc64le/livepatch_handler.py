# SPDX-License-Identifier: GPL-2.0-or-later
"""
What the words of ``livepatch_handler`` say about an entry of a task's livepatch stack.

Behind its call of the replacement it takes the newest entry off, and so names all that is in one:
how long an entry is, where it has the caller's TOC and return address, and where the marker that
tells whether it was overwritten. These are constants of the assembly that no structure has.

Source: ``livepatch_handler`` in arch/powerpc/kernel/trace/ftrace_entry.S (before 6.6 in
ftrace_mprofile.S and ftrace_64_mprofile.S).
"""

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from klp_debug.ppc64le.instruction import (
    BCTRL,
    BLR,
    OP_ADDI,
    OP_ADDIS,
    ds,
    is_ld,
    is_std,
    primary_opcode,
    ra,
    rb,
    rt,
    simm16,
)

_MAX_WORDS = 64
"""Behind the call; 6.1 to 7.2 have 13, and 4.11 has 15."""
_OP_ORI, _OP_MD, _OP_X = 24, 30, 31
_XO_TD, _XO_OR, _XO_MTSPR = 68, 444, 467
_TO_NOT_EQUAL = 24
_SPR_LR = 8
_MAX_ENTRY = 1 << 8
"""Bytes that an entry may have; 24 in all kernels up to 7.2."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoppedEntry:
    """One entry of a livepatch stack, as ``livepatch_handler`` takes it off."""

    size: int
    """In bytes."""
    toc: int
    """Where r2 of the caller is, in bytes from the beginning of the entry."""
    lr: int
    """Where the return address into the caller is, likewise."""
    marker: int
    """Where the marker is, likewise."""
    magic: int
    """What the marker is compared with."""


@dataclass(frozen=True, slots=True)
class _Loaded:
    """What an ``ld`` loaded, and what was added to it since."""

    number: int
    """Of the ``ld``: each loads something of its own."""
    base: "_Loaded | int | None"
    """What was in its RA; None if that is not known."""
    displacement: int
    plus: int = 0


_Value = _Loaded | int | None
"""What is in a register: loaded, a constant, or not known."""


def decode_livepatch_handler(words: Sequence[int]) -> PoppedEntry | None:
    """
    Decode how a call of a replacement is taken off the livepatch stack.

    Each ``bctrl`` is tried: a trampoline that has the handler's words in it calls a callback first.

    >>> call_and_pop = (0x4E800421, 0xE96C0020, 0x3C4057AC, 0x60426E9D, 0xE98BFFF8, 0x7F0C1088,
    ...     0xE98BFFF0, 0x7D8803A6, 0xE84BFFE8, 0x396BFFE8, 0xF96C0020, 0x4E800020)
    >>> decode_livepatch_handler(call_and_pop).size
    24

    :param words: of ``livepatch_handler``, or of what has it in it, from its beginning
    :return: None if the words are not understood
    """
    for index, word in enumerate(words):
        if word == BCTRL:
            found = _Pop().run(words[index + 1 : index + 1 + _MAX_WORDS])
            if found is not None:
                return found
    return None


class _Pop:
    """Follows what registers hold, from the return of the replacement to that of the handler."""

    def __init__(self) -> None:
        self._registers: dict[int, _Value] = {}
        self._lr: _Value = None
        self._compared: list[tuple[_Value, _Value]] = []
        self._popped: list[_Loaded] = []
        self._loads = 0

    def run(self, words: Sequence[int]) -> PoppedEntry | None:
        """Follow the words up to ``blr``; None where one is met that does something else."""
        for word in words:
            if word == BLR:
                return self._entry()
            if not self._step(word):
                return None
        return None

    def _step(self, word: int) -> bool:
        """Do what a word does; return whether it is one that is understood."""
        opcode = primary_opcode(word)
        get = self._registers.get
        if is_ld(word):
            self._loads += 1
            self._registers[rt(word)] = _Loaded(self._loads, get(ra(word)), ds(word))
        elif is_std(word):
            self._store(get(rt(word)), ds(word))
        elif opcode in (OP_ADDI, OP_ADDIS):
            by = simm16(word) << (16 if opcode == OP_ADDIS else 0)
            self._registers[rt(word)] = _plus(get(ra(word)) if ra(word) else 0, by)
        elif opcode == _OP_ORI:
            self._registers[ra(word)] = _or(get(rt(word)), word & 0xFFFF)
        elif opcode == _OP_MD:  # CURRENT_THREAD_INFO() of kernels before 5.1: r1 without low bits
            self._registers[ra(word)] = None
        else:
            return opcode == _OP_X and self._x_form(word)
        return True

    def _store(self, value: _Value, displacement: int) -> None:
        if isinstance(value, _Loaded) and value.plus < 0 and value.displacement == displacement:
            self._popped.append(value)

    def _x_form(self, word: int) -> bool:
        extended = word >> 1 & 0x3FF
        get = self._registers.get
        if extended == _XO_TD and rt(word) == _TO_NOT_EQUAL:
            self._compared.append((get(ra(word)), get(rb(word))))
        elif extended == _XO_MTSPR and ra(word) == _SPR_LR and not rb(word):
            self._lr = get(rt(word))
        elif extended == _XO_OR and rt(word) == rb(word):
            self._registers[ra(word)] = get(rt(word))
        else:
            return False
        return True

    def _entry(self) -> PoppedEntry | None:
        if len(self._popped) != 1:
            return None
        (stack,) = self._popped
        size = -stack.plus
        toc = _place(self._registers.get(2), stack)
        lr = _place(self._lr, stack)
        marked = list(self._marked(stack))
        if toc is None or lr is None or len(marked) != 1:
            return None
        ((marker, magic),) = marked
        places = {toc, lr, marker}
        whole = all(place % 8 == 0 and 0 <= place <= size - 8 for place in places)
        if len(places) < 3 or not whole or size % 8 or size > _MAX_ENTRY:
            return None
        return PoppedEntry(size=size, toc=toc, lr=lr, marker=marker, magic=magic)

    def _marked(self, stack: _Loaded) -> Iterator[tuple[int, int]]:
        """Yield where in the entry is what is compared with a constant, and that constant."""
        for pair in self._compared:
            for value, other in (pair, pair[::-1]):
                place = _place(value, stack)
                if place is not None and isinstance(other, int):
                    yield place, other


def _plus(value: _Value, number: int) -> _Value:
    if isinstance(value, _Loaded):
        return dataclasses.replace(value, plus=value.plus + number)
    return None if value is None else value + number


def _or(value: _Value, number: int) -> _Value:
    if not number:
        return value
    return value | number if isinstance(value, int) else None


def _place(value: _Value, stack: _Loaded) -> int | None:
    """
    Return where in an entry a value was loaded from, in bytes; None if it was not.

    :param stack: the stack pointer as it is stored: at the beginning of that entry
    """
    if not isinstance(value, _Loaded) or value.plus or not isinstance(value.base, _Loaded):
        return None
    if value.base.number != stack.number:
        return None
    return value.base.plus + value.displacement - stack.plus
