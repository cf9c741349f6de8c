# SPDX-License-Identifier: GPL-2.0-or-later
"""
Every ftrace record against the word in memory, its stub and its ops.

Records, words and symbols are compared as arrays; text is read a page at a time, so that a
kernel of 45,000 sites takes a few hundred reads.
"""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from drgn import FaultError
from drgn.helpers.linux.module import module_address_regions

from klp_debug.analysis import findings
from klp_debug.analysis.kernel_view import KernelView
from klp_debug.kernel.ftrace_ops import for_each_ftrace_ops, ftrace_hash_ips
from klp_debug.ppc64le.instruction import MFLR_R0
from klp_debug.ppc64le.site import SiteState
from klp_debug.ppc64le.site_words import (
    DIALECTS,
    STATES,
    branch_targets,
    site_dialects,
    site_states,
)
from klp_debug.ppc64le.stub import STUB_ENTRY_SIZE, Stub, decode_stub, stub_target
from klp_debug.result.address import Address, Word
from klp_debug.result.audit import Audit, Count, Offsets
from klp_debug.result.finding import Finding

_BEFORE = 8
"""Bytes before a site that tell its dialect."""
_TEXT = (("_stext", "_etext"), ("_sinittext", "_einittext"))
"""Symbols around vmlinux's text."""
_TRAMPOLINES = ("ftrace_caller", "ftrace_regs_caller")
_IDLE, _ARMED = STATES.index(SiteState.IDLE), STATES.index(SiteState.ARMED)

Mask = npt.NDArray[np.bool_]


def audit(view: KernelView) -> Audit:
    """
    Check every mcount site of a kernel and its modules.

    What cannot be read becomes a problem of the result; the rest is checked.
    """
    return _Auditor(view).audit()


class _Auditor:
    def __init__(self, view: KernelView) -> None:
        self._view = view
        records = view.records
        self._ips = records.ips
        self._flags = records.flags
        functions = view.symbols.functions()
        starts = functions["address"]
        index = np.searchsorted(starts, self._ips, side="right").astype(np.int64) - 1
        index = np.maximum(index, 0)
        found = functions[index] if len(functions) else np.zeros(len(self._ips), functions.dtype)
        self._in_function: Mask = (found["address"] <= self._ips) & (
            self._ips < found["address"] + found["size"]
        )
        self._offsets = (self._ips - found["address"]).astype(np.int64)
        shift = (found["st_other"] >> np.uint8(5)).astype(np.int64)
        # PPC64_LOCAL_ENTRY_OFFSET() of module_64.c.
        self._local = ((1 << shift) >> 2) << 2
        self._words, self._read = self._read_words()
        # A weak function that the linker dropped for a strong one left its text and its record
        # behind, but no symbol; only the words before the site tell where it began.
        sequence = np.where(self._words[:, 1] == MFLR_R0, 4, 8)
        self._dialects = site_dialects(
            self._words[:, 0],
            self._words[:, 1],
            np.where(self._in_function, self._offsets - self._local, sequence),
            patchable=view.patchable,
        )
        self._states = site_states(self._words[:, 2], self._dialects)
        self._targets = branch_targets(self._words[:, 2], self._ips)

    def _read_words(self) -> tuple[npt.NDArray[np.uint32], Mask]:
        """Return the word at each site with the two before it, and which could be read."""
        words = np.zeros((len(self._ips), 3), np.uint32)
        read = np.zeros(len(self._ips), np.bool_)
        page_size = np.uint64(self._view.target.page_size)
        pages = self._ips // page_size
        for first, end in _runs(pages):
            start = int(self._ips[first]) - _BEFORE
            try:
                data = self._text(start, int(self._ips[end - 1]) + 4)
            except FaultError as fault:
                self._view.problems.add(f"text at {Address(start)}", str(fault))
                continue
            index = ((self._ips[first:end] - np.uint64(start)) // np.uint64(4)).astype(np.int64)
            words[first:end] = np.stack([data[index - 2], data[index - 1], data[index]], axis=1)
            read[first:end] = True
        return words, read

    def _text(self, start: int, end: int) -> npt.NDArray[np.uint32]:
        """Read words; those of the page before the first site count as 0 if that is unmapped."""
        read = self._view.prog.read
        size = (end - start) & ~3
        try:
            data = read(start, size)
        except FaultError:
            page = (start + _BEFORE) & -self._view.target.page_size
            if start >= page:
                raise
            data = bytes(page - start) + read(page, size - (page - start))
        return np.frombuffer(data, "<u4")

    def _in_text(self) -> Mask:
        """Say which records are in the text of the kernel or in the memory of a module."""
        regions = [
            (start, start + size)
            for module in self._view.modules
            for start, size in module_address_regions(module)
        ]
        for first, last in _TEXT:
            bounds = [self._view.symbols.named(name, "vmlinux") for name in (first, last)]
            if all(bounds):
                regions.append((bounds[0][0].address, bounds[1][0].address))
        inside = np.zeros(len(self._ips), np.bool_)
        for start, end in regions:
            inside |= (self._ips >= np.uint64(start)) & (self._ips < np.uint64(end))
        return inside

    def audit(self) -> Audit:
        found = [
            *self._ftrace_disabled(),
            *self._outside_text(),
            *self._unknown_words(),
            *self._mismatches(),
            *self._targets_and_stubs(),
            *self._ops_counts(),
        ]
        view = self._view
        return Audit(
            kernel=view.describe(),
            sites=len(self._ips),
            unread=int((~self._read).sum()),
            without_symbol=int((~self._in_function).sum()),
            dialects=self._counts([dialect.value for dialect in DIALECTS], self._dialects),
            states=self._counts([state.value for state in STATES], self._states),
            offsets=self._offset_counts(),
            findings=tuple(found),
            problems=view.problems.all(),
        )

    def _counts(self, names: list[str], values: npt.NDArray[np.uint8]) -> tuple[Count, ...]:
        numbers = np.bincount(values[self._read], minlength=len(names))
        return tuple(
            Count(name, int(number)) for name, number in zip(names, numbers, strict=True) if number
        )

    def _offset_counts(self) -> tuple[Offsets, ...]:
        result = []
        for toc_setup in (False, True):
            chosen = self._in_function & ((self._local > 0) == toc_setup)
            offsets, numbers = np.unique(self._offsets[chosen], return_counts=True)
            result += [
                Offsets(toc_setup, int(offset), int(number))
                for offset, number in zip(offsets, numbers, strict=True)
            ]
        return tuple(result)

    def _subject(self, index: int) -> str:
        return self._view.symbols.format(int(self._ips[index])) or str(
            Address(int(self._ips[index]))
        )

    def _word(self, index: int) -> str:
        ip, word = int(self._ips[index]), int(self._words[index, 2])
        return f"{Address(ip)} holds {Word(word)}"

    def _ftrace_disabled(self) -> Iterator[Finding]:
        with self._view.problems.noting("ftrace_disabled"):
            disabled = self._view.prog["ftrace_disabled"].value_()
            if disabled:
                yield findings.FTRACE_DISABLED.on("ftrace", f"ftrace_disabled is {disabled}")

    def _outside_text(self) -> Iterator[Finding]:
        for index in np.flatnonzero(~self._in_text()).tolist():
            record = self._view.records[index]
            yield findings.RECORD_OUTSIDE_TEXT.on(
                str(Address(record.ip)), f"dyn_ftrace at {Address(record.address)}"
            )

    def _unknown_words(self) -> Iterator[Finding]:
        unknown = self._read & (self._states == STATES.index(SiteState.UNKNOWN))
        for index in np.flatnonzero(unknown).tolist():
            yield findings.SITE_UNKNOWN_WORD.on(self._subject(index), self._word(index))

    def _mismatches(self) -> Iterator[Finding]:
        enabled = (self._flags & np.uint64(self._view.record_flags["ENABLED"])) != 0
        wrong = np.where(enabled, self._states == _IDLE, self._states == _ARMED)
        for index in np.flatnonzero(self._read & wrong).tolist():
            flags = " ".join(self._view.record_flags.of(int(self._flags[index]))) or "no flags"
            state = STATES[self._states[index]].value
            yield findings.SITE_RECORD_MISMATCH.on(
                self._subject(index), f"{self._word(index)} ({state}), its record has {flags}"
            )

    def _targets_and_stubs(self) -> Iterator[Finding]:
        trampolines = {
            symbol.address for name in _TRAMPOLINES for symbol in self._view.symbols.named(name)
        }
        armed = self._read & (self._states == _ARMED)
        for target in np.unique(self._targets[armed]).tolist():
            if target in trampolines:
                continue
            users = np.flatnonzero(armed & (self._targets == np.uint64(target)))
            yield from self._stub(target, users, trampolines)

    def _stub(
        self, address: int, users: npt.NDArray[np.intp], trampolines: set[int]
    ) -> Iterator[Finding]:
        """Check one stub, once for all the sites that call it."""
        try:
            words = self._view.words(address, STUB_ENTRY_SIZE // 4)
        except FaultError as fault:
            for index in users.tolist():
                yield findings.SITE_WRONG_TARGET.on(
                    self._subject(index), f"{self._word(index)}: {Address(address)}: {fault}"
                )
            return
        stub = decode_stub(words, address)
        evidence = f"{Address(address)}: " + " ".join(
            Word(word).bare for word in words[: max(1, stub.length // 4)]
        )
        if stub.needs == "r2":
            leaf = self._in_function[users] & (self._local[users] == 0)
            for index in users[leaf].tolist():
                yield findings.TOC_STUB_ON_LEAF.on(self._subject(index), f"stub at {evidence}")
            return
        target = self._stub_target(stub, words)
        if target in trampolines:
            return
        if stub.needs is None:
            for index in users.tolist():
                yield findings.SITE_WRONG_TARGET.on(
                    self._subject(index), f"{self._word(index)}, which goes to {evidence}"
                )
            return
        leads = "nowhere" if target is None else str(Address(target))
        yield findings.STUB_WRONG_TARGET.on(
            f"stub of {len(users)} armed sites", f"{evidence}; leads to {leads}"
        )

    def _stub_target(self, stub: Stub, words: tuple[int, ...]) -> int | None:
        view = self._view
        return stub_target(stub, words, kernel_toc=view.kernel_toc, load=view.prog.read_u64)

    def _ops_counts(self) -> Iterator[Finding]:
        """Compare the count in each record with the ops whose filters want its site."""
        wanted = np.zeros(len(self._ips), np.int64)
        complete = False
        with self._view.problems.noting("ftrace_ops_list"):
            for ops in for_each_ftrace_ops(self._view.prog):
                if not ops.flags.value_() & self._view.ops_flags["ENABLED"]:
                    continue
                chosen = self._among(ftrace_hash_ips(ops.func_hash.filter_hash), empty=True)
                chosen &= ~self._among(ftrace_hash_ips(ops.func_hash.notrace_hash), empty=False)
                wanted += chosen
            complete = True
        if not complete:
            return
        counts = self._flags & np.uint64(self._view.record_flags.lowest - 1)
        disabled = (self._flags & np.uint64(self._view.record_flags["DISABLED"])) != 0
        wrong = ~disabled & (counts.astype(np.int64) != wanted)
        for index in np.flatnonzero(wrong).tolist():
            yield findings.OPS_COUNT_MISMATCH.on(
                self._subject(index),
                f"its record counts {counts[index]}, {wanted[index]} ops want it",
            )

    def _among(self, ips: set[int], *, empty: bool) -> Mask:
        if not ips:
            return np.full(len(self._ips), empty)
        return np.isin(self._ips, np.array(sorted(ips), np.uint64))


def _runs(values: npt.NDArray[np.uint64]) -> Iterator[tuple[int, int]]:
    """Yield [first, end) of each run of equal values."""
    if len(values):
        edges = np.flatnonzero(np.diff(values)) + 1
        bounds = [0, *edges.tolist(), len(values)]
        yield from pairwise(bounds)
