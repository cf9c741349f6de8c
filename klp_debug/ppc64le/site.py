# SPDX-License-Identifier: GPL-2.0-or-later
"""
The instruction in a function that ftrace switches between idle and a call.

What surrounds it depends on the compiler and its flags, here called the dialect. From the local
entry point on:

======================  =======================================  ==========
dialect                 words                                    site
======================  =======================================  ==========
MPROFILE_KERNEL_3       mflr r0; std r0,16(r1); bl _mcount       entry + 8
MPROFILE_KERNEL_2       mflr r0; bl _mcount                      entry + 4
PATCHABLE               nop; nop, rewritten to mflr r0; nop      entry + 4
OUT_OF_LINE             nop                                      entry + 0
PG                      the whole frame; bl _mcount              anywhere
======================  =======================================  ==========

Source: ``ftrace_init_nop()``, ``ftrace_make_call()`` and ``ftrace_make_nop()`` in
arch/powerpc/kernel/trace/ftrace.c.
"""

import enum
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from klp_debug.ppc64le.instruction import (
    B_PLUS_8,
    MFLR_R0,
    NOP,
    OP_RT_RA_MASK,
    STD_R0_16_R1,
    STDU_R1_R1,
    branch_target,
    is_b,
    is_bl,
    is_stdu,
)


class Dialect(enum.StrEnum):
    """How a compiler prepares a function for ftrace."""

    MPROFILE_KERNEL_3 = "mprofile-kernel (3 instructions)"
    """
    ``-pg -mprofile-kernel`` of gcc before 6: ``mflr r0; std r0,16(r1); bl _mcount``.

    Kernels 6.13 and later rewrite the std to a nop when they initialise the site.
    """
    MPROFILE_KERNEL_2 = "mprofile-kernel (2 instructions)"
    """``-pg -mprofile-kernel`` of gcc 6 and later: ``mflr r0; bl _mcount``."""
    PATCHABLE = "patchable-function-entry"
    """
    ``-fpatchable-function-entry=2``, in kernels 6.6 to 6.12: ``nop; nop``.

    ftrace rewrites them to ``mflr r0; nop``. From then on, armed or idle, the words are those of
    MPROFILE_KERNEL_2.
    """
    OUT_OF_LINE = "out-of-line"
    """
    ``-fpatchable-function-entry=1``: one nop, armed by a ``b`` to a stub that makes the call.

    Since Linux kernel commit eec37961a56a ("powerpc64/ftrace: Move ftrace sequence out of line")
    (in v6.13); see :func:`klp_debug.ppc64le.stub.decode_ool_stub`.
    """
    PG = "-pg mcount"
    """
    ``-pg`` without mprofile-kernel: ``bl _mcount`` behind the frame set-up.

    ftrace can trace such a function, but live patching cannot replace it: its frame exists
    already.
    """
    UNKNOWN = "unknown"
    """None of these."""


class SiteState(enum.StrEnum):
    """What a site does when it is reached."""

    IDLE = "idle"
    """Nothing: nop, or ``b +8`` over the TOC restore of a PG site in a module."""
    ARMED = "armed"
    """
    It branches away.

    As compiled, ``bl _mcount`` is a call, too, and so armed; that the target is ``_mcount`` or a
    stub for it tells a site that ftrace has not yet initialised.
    """
    UNKNOWN = "unknown"
    """The word is none that ftrace writes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The mcount site of one function."""

    address: int
    offset: int
    """In bytes from the global entry point."""
    word: int
    state: SiteState
    target: int | None
    """Where an armed site goes, computed from its word; else None."""
    dialect: Dialect
    is_call: bool
    """Whether the word is a ``bl``; the ``b`` of OUT_OF_LINE is not."""


def decode_site(
    words: Sequence[int],
    address: int,
    record_ip: int | None = None,
    *,
    local_entry: int,
    patchable: bool | None = None,
    mcount: Collection[int] = (),
) -> Site | None:
    """
    Decode a function's mcount site.

    With the ftrace record's ``ip`` the place is certain. Without, it is sought by the shape of
    the words at the local entry point, and that is a heuristic: a function that is not traced
    may begin alike (``mflr r0; bl _savegpr0_25`` under -Os), so check where the site goes. A lone
    ``b`` is taken for a site only if ``patchable`` is True, for it is also what a sibling call
    looks like; ``decode_ool_stub()`` of its target can tell. ``mflr r0; nop; nop`` is taken for
    two instructions, not for the three whose std became a nop.

    >>> entry = 0xC0000000002F72F8
    >>> site = decode_site((0x7C0802A6, 0x4BD66711), entry, local_entry=entry)
    >>> site.state.value, site.offset, hex(site.target), site.dialect.value
    ('armed', 4, '0xc00000000005da0c', 'mprofile-kernel (2 instructions)')

    :param words: the function's first words; 16 are ample unless the dialect is PG
    :param address: of the first word, the global entry point
    :param record_ip: ``ip`` of the function's ``struct dyn_ftrace``, if there is one
    :param local_entry: the local entry point, see :func:`klp_debug.ppc64le.entry.decode_entry`
    :param patchable: whether this kernel was built with -fpatchable-function-entry
        (CONFIG_ARCH_USING_PATCHABLE_FUNCTION_ENTRY; such a kernel has no ``_mcount``). The
        running words of PATCHABLE and MPROFILE_KERNEL_2 are the same, so None leaves a
        ``mflr r0; bl`` named MPROFILE_KERNEL_2, after the sequence.
    :param mcount: addresses that a PG site calls as compiled (``_mcount``, its stubs), to find
        one without a record
    :return: None if the words do not reach to ``record_ip``, or without a record if nothing looks
        like a site
    """
    # Shapes are looked for at the local entry point: before it is the TOC set-up, if any.
    start = (local_entry - address) // 4
    if not 0 <= start <= len(words):
        start = 0
    if record_ip is None:
        found = _find(words, start, patchable)
        # A PG site has no shape of its own, and lies anywhere behind the frame's set-up: only
        # where it goes tells it.
        if found is None and (call := _find_mcount_call(words, address, mcount)) is not None:
            found = call, _dialect_at(words, call, start, patchable)
    else:
        # ftrace knows the place; the words before it tell who made it.
        index, misaligned = divmod(record_ip - address, 4)
        if misaligned or not 0 <= index < len(words):
            return None
        found = index, _dialect_at(words, index, start, patchable)
    if found is None:
        return None
    index, dialect = found
    word = words[index]
    site = address + 4 * index
    state = _state(words, index, dialect)
    return Site(
        address=site,
        offset=4 * index,
        word=word,
        state=state,
        # The b +8 of an idle PG site is a branch, too, but leads nowhere.
        target=branch_target(word, site) if state is SiteState.ARMED else None,
        dialect=dialect,
        is_call=is_bl(word),
    )


def _state(words: Sequence[int], index: int, dialect: Dialect) -> SiteState:
    word = words[index]
    if word == NOP or (dialect is Dialect.PG and word == B_PLUS_8):
        return SiteState.IDLE
    if is_bl(word) or (dialect is Dialect.OUT_OF_LINE and is_b(word)):
        return SiteState.ARMED
    return SiteState.UNKNOWN


def _dialect_at(words: Sequence[int], index: int, start: int, patchable: bool | None) -> Dialect:
    """Name the dialect of a site whose place is known; ``start`` is the local entry's index."""
    word = words[index]
    before = tuple(words[start:index])
    if index == start and (word == NOP or is_b(word)):
        return Dialect.OUT_OF_LINE
    if before == (MFLR_R0,):
        # ftrace made the first of the compiler's two nops an mflr r0: the words are the same now.
        return Dialect.PATCHABLE if patchable else Dialect.MPROFILE_KERNEL_2
    if before == (NOP,):  # as compiled, before ftrace has initialised it
        return Dialect.PATCHABLE
    # 6.13 and later make the std a nop.
    if before in ((MFLR_R0, STD_R0_16_R1), (MFLR_R0, NOP)):
        return Dialect.MPROFILE_KERNEL_3
    if MFLR_R0 in before and _makes_frame(before):
        return Dialect.PG
    return Dialect.UNKNOWN


def _makes_frame(words: Sequence[int]) -> bool:
    return any(is_stdu(word) and word & OP_RT_RA_MASK == STDU_R1_R1 for word in words)


def _find(words: Sequence[int], start: int, patchable: bool | None) -> tuple[int, Dialect] | None:
    """Seek a site by the shape of the words at the local entry point."""
    # 0 is no instruction, so that words which end early fit no shape.
    first, second, third = (*words[start : start + 3], 0, 0, 0)[:3]
    if first == MFLR_R0:
        if second == STD_R0_16_R1 and (third == NOP or is_bl(third)):
            return start + 2, Dialect.MPROFILE_KERNEL_3
        # Three instructions, the std made a nop: behind two that are idle r0 is saved before
        # anything is called.
        if second == NOP and is_bl(third):
            return start + 2, Dialect.MPROFILE_KERNEL_3
        if second == NOP or is_bl(second):
            return start + 1, _dialect_at(words, start + 1, start, patchable)
    elif patchable is not False:
        if first == second == NOP:
            return start + 1, Dialect.PATCHABLE
        if first == NOP or (is_b(first) and patchable):
            return start, Dialect.OUT_OF_LINE
    return None


def _find_mcount_call(words: Sequence[int], address: int, mcount: Collection[int]) -> int | None:
    """Seek a call of ``_mcount`` anywhere; return its index."""
    for index, word in enumerate(words):
        if is_bl(word) and branch_target(word, address + 4 * index) in mcount:
            return index
    return None
