# SPDX-License-Identifier: GPL-2.0-or-later
"""
Where an object file says that its mcount sites are.

Three sources: the list ``__mcount_loc`` (recordmcount's, or the linker's between
``__start_mcount_loc`` and ``__stop_mcount_loc`` in vmlinux), the compiler's list
``__patchable_function_entries``, and the calls of ``_mcount``, which objects have before
recordmcount ran. Source: ``ftrace_process_locs()`` in kernel/trace/ftrace.c,
``ftrace_call_adjust()`` in arch/powerpc/kernel/trace/ftrace.c.
"""

from dataclasses import dataclass

import numpy as np

from klp_debug.elf.elf_file import Table
from klp_debug.elf.format import R_PPC64_ADDR64, R_PPC64_REL24, R_PPC64_RELATIVE, RELOCATION
from klp_debug.elf.object_file import ObjectFile
from klp_debug.ppc64le.entry_words import set_up_toc
from klp_debug.ppc64le.instruction import NOP
from klp_debug.scan.functions import Integers

LISTS = ("__mcount_loc", "__patchable_function_entries")


@dataclass(frozen=True, kw_only=True)
class SiteTable:
    """The places of sites; both arrays have shape (number of sites,), by place."""

    section: Integers
    offset: Integers
    """Of the word that ftrace switches, in bytes from the section's start."""
    sources: tuple[str, ...]
    """The lists that name them, or ``calls of _mcount``; empty if there are none."""
    patchable: bool
    """Whether they are nops of -fpatchable-function-entry; else calls of ``_mcount``."""
    two_nops: bool
    """Whether the compiler left two; one is for an out-of-line stub."""
    unlisted: Integers
    """Shape (number, 2): section and offset of calls of ``_mcount`` that no list names."""


def site_table_of(obj: ObjectFile) -> SiteTable:
    """Return the mcount sites of an object file."""
    if obj.kind == "executable":
        listed, sources = _of_vmlinux(obj)
        calls = np.empty((0, 2), np.int64)
    else:
        listed, sources = _of_lists(obj)
        calls = _calls_of_mcount(obj)
    unlisted = _without(calls, listed)
    if not sources and len(calls):
        listed, sources = calls, ("calls of _mcount",)
    listed = _in_order(listed)
    section, offset = listed[:, 0], listed[:, 1]
    first, second = (obj.words_at(section, offset + step) for step in (0, 4))
    # clang lists the global entry point and leaves the nop at the local one:
    # https://github.com/llvm/llvm-project/issues/163706
    offset = offset + np.where(set_up_toc(first, second, np.zeros(len(first), np.uint8)), 8, 0)
    first, second = (obj.words_at(section, offset + step) for step in (0, 4))
    patchable = bool(len(first)) and bool((first == NOP).all())
    # Of one nop the function's own first word may follow; all of them are hardly nops.
    two_nops = patchable and bool((second == NOP).all())
    return SiteTable(
        section=section,
        offset=offset + 4 * two_nops,
        sources=sources,
        patchable=patchable,
        two_nops=two_nops,
        unlisted=unlisted,
    )


def _in_order(places: Integers) -> Integers:
    """Return the places by section and offset, each once."""
    places = places[np.lexsort((places[:, 1], places[:, 0]))]
    first = np.ones(len(places), bool)
    first[1:] = (places[1:] != places[:-1]).any(axis=1)
    return places[first]


def _of_lists(obj: ObjectFile) -> tuple[Integers, tuple[str, ...]]:
    """Return what the relocations of the lists say will be there."""
    found = [np.empty((0, 2), np.int64)]
    sources: list[str] = []
    for section in obj.sections:
        if section.name in LISTS:
            relocations = obj.relocations(section.index)
            found.append(targets(obj, relocations[relocations["type"] == R_PPC64_ADDR64]))
            if section.name not in sources:
                sources.append(section.name)
    return np.concatenate(found), tuple(sources)


def targets(obj: ObjectFile, relocations: Table) -> Integers:
    """Return section and offset that relocations lead to, of those that lead into this file."""
    symbol = relocations["symbol"].astype(np.int64)
    known = symbol < len(obj.symbols)
    symbol = symbol[known]
    section = obj.symbol_sections[symbol].astype(np.int64)
    offset = obj.symbols["value"][symbol].astype(np.int64) + relocations["addend"][known]
    # Reserved numbers (absolute, common) look like sections in a file that has as many.
    inside = (section > 0) & (section < len(obj.sections))
    return np.column_stack((section[inside], offset[inside]))


def _calls_of_mcount(obj: ObjectFile) -> Integers:
    mcount = obj.named_symbols("_mcount")
    found = [np.empty((0, 2), np.int64)]
    for section in obj.sections:
        if section.is_text and mcount:
            rows = obj.relocations(section.index)
            rows = rows[rows["type"] == R_PPC64_REL24]
            # Linkers make one symbol of a name, and np.isin() would take a third of a scan.
            one = mcount[0] if len(mcount) == 1 else None
            rows = rows[
                rows["symbol"] == one if one is not None else np.isin(rows["symbol"], mcount)
            ]
            offset = rows["offset"].astype(np.int64)
            found.append(np.column_stack((np.full(len(rows), section.index), offset)))
    return np.concatenate(found)


def _of_vmlinux(obj: ObjectFile) -> tuple[Integers, tuple[str, ...]]:
    ends = [obj.named_symbols(f"__{end}_mcount_loc") for end in ("start", "stop")]
    if not all(ends):
        return np.empty((0, 2), np.int64), ()
    start, stop = (int(obj.symbols["value"][symbols[0]]) for symbols in ends)
    addresses = _list_between(obj, start, stop)
    # scripts/sorttable.c zeroes those of weak functions that the linker dropped.
    return _places(obj, addresses[addresses != 0]), ("__mcount_loc",)


def _list_between(obj: ObjectFile, start: int, stop: int) -> np.ndarray:
    """Return the addresses in a list; where the file holds zeros yet, those that .rela.dyn says."""
    for section in obj.sections:
        if section.address <= start <= stop <= section.address + section.size and section.address:
            data = obj.data(section)[start - section.address : stop - section.address]
            addresses = np.frombuffer(data, "<u8", len(data) // 8)
            if addresses.any():
                return addresses
    dynamic = obj.named_section(".rela.dyn")
    if dynamic is None:
        return np.empty(0, np.uint64)
    rows = obj.rows(dynamic, RELOCATION)
    inside = (rows["offset"] >= start) & (rows["offset"] < stop)
    inside &= rows["type"] == R_PPC64_RELATIVE
    return rows["addend"][inside].view(np.uint64)


def _places(obj: ObjectFile, addresses: np.ndarray) -> Integers:
    """Return section and offset of addresses, of those that are in text."""
    text = sorted((section for section in obj.sections if section.is_text), key=lambda s: s.address)
    if not text:
        return np.empty((0, 2), np.int64)
    starts = np.array([section.address for section in text], np.uint64)
    sizes = np.array([section.size for section in text], np.uint64)
    numbers = np.array([section.index for section in text], np.int64)
    which = np.maximum(np.searchsorted(starts, addresses, "right") - 1, 0)
    offset = addresses - starts[which]
    inside = (addresses >= starts[which]) & (offset < sizes[which])
    return np.column_stack((numbers[which], offset.astype(np.int64)))[inside]


def _without(places: Integers, others: Integers) -> Integers:
    """Return the places that are not among others."""
    if not len(places):
        return places
    known = set(map(tuple, others.tolist()))
    return np.array(
        [place for place in places.tolist() if tuple(place) not in known], np.int64
    ).reshape(-1, 2)
