# SPDX-License-Identifier: GPL-2.0-or-later
"""
Every mcount site of a kernel, or some of them: records, words, stubs and symbols as arrays.

Text is read in large pieces, so that a kernel of 45,000 sites takes a few dozen reads. Every
array has shape (number of sites,), unless it says otherwise.
"""

from typing import Literal, Self

import numpy as np
import numpy.typing as npt

from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.kernel.ftrace import OPS_POINTER_OFFSET, FtraceRecords
from klp_debug.ppc64le.entry import LOCAL_ENTRY_SHIFT
from klp_debug.ppc64le.instruction import MFLR_R0, is_bl
from klp_debug.ppc64le.site import Dialect, Site, SiteState
from klp_debug.ppc64le.site_words import (
    DIALECTS,
    STATES,
    branch_targets,
    decode_ool_stubs,
    site_dialects,
    site_states,
)
from klp_debug.result.address import Address, Word
from klp_debug.result.unknown import Unknown, first_unknown
from klp_debug.targets.bulk import read_words

IDLE, ARMED, UNKNOWN = (
    STATES.index(state) for state in (SiteState.IDLE, SiteState.ARMED, SiteState.UNKNOWN)
)

Mask = npt.NDArray[np.bool_]

_LOCAL_RESERVED = 7
"""What ``st_other`` has of a local entry point in no function of a working kernel."""


class Sites:
    """Sites of a kernel and its modules, by address."""

    def __init__(self, view: KernelView, records: FtraceRecords) -> None:
        """Read the words of the sites that the records name, and of their out-of-line stubs."""
        self._view = view
        self._page_size = view.target.page_size
        self.records = records
        self.ips = records.ips
        self.flags = records.flags
        self._find_functions()
        self._read_words()
        self.states = site_states(self.words, self.dialects)
        """Indices into :data:`klp_debug.ppc64le.site_words.STATES`."""
        # Only by its function a b +8 tells a site of the PG dialect from one that was altered.
        self.state_known: Mask = self.read & ~(self.symbol_unknown & (self.states == UNKNOWN))
        """Where ``states`` means something."""
        self.targets = branch_targets(self.words, self.ips)
        """Where the word at an armed site branches to."""
        self._read_ool_stubs()

    def _read_words(self) -> None:
        """Read the word at each site, and tell its dialect by those before it."""
        out_of_line = self.records.out_of_line
        # Nothing of the function is before an out-of-line site, and there may be no page.
        before = 0 if out_of_line else 1
        ips = self.ips - np.uint64(4 * before)
        words, self.read = read_words(self._view.prog, ips, 1 + before, self._page_size)
        self.words: npt.NDArray[np.uint32] = words[:, before]
        second_before, second_read = read_words(
            self._view.prog, ips - np.uint64(4), 1, self._page_size
        )
        # A weak function that the linker dropped for a strong one left its text and its record
        # behind, but no symbol; only the words before the site tell where it began.
        sequence = np.where(words[:, 0] == MFLR_R0, 4, 8)
        if out_of_line:
            sequence = np.zeros_like(sequence)
        self.dialects = site_dialects(
            second_before[:, 0],
            words[:, 0],
            np.where(self.in_function, self.offsets - self.local_entries, sequence),
            patchable=self._view.patchable,
            out_of_line=out_of_line,
        )
        """Indices into :data:`klp_debug.ppc64le.site_words.DIALECTS`."""
        # The second word before tells one dialect from no known one; all others do without.
        told = second_read | (self.dialects != DIALECTS.index(Dialect.UNKNOWN))
        self.dialect_known: Mask = self.read & told & ~self.symbol_unknown
        """Where ``dialects`` means something."""

    @classmethod
    def of_kernel(cls, view: KernelView) -> Self:
        """Return all sites of a kernel and its modules."""
        return cls(view, view.records)

    def __len__(self) -> int:
        return len(self.ips)

    def _find_functions(self) -> None:
        functions = self._view.symbols.functions()
        index = np.searchsorted(functions["address"], self.ips, side="right").astype(np.int64) - 1
        index = np.maximum(index, 0)
        found = functions[index] if len(functions) else np.zeros(len(self.ips), functions.dtype)
        self.in_function: Mask = (found["address"] <= self.ips) & (
            self.ips < found["address"] + found["size"]
        )
        self.offsets = (self.ips - found["address"]).astype(np.int64)
        """Bytes from the global entry point of the function that a site is in."""
        shift = (found["st_other"] >> np.uint8(LOCAL_ENTRY_SHIFT)).astype(np.int64)
        self._reserved: Mask = self.in_function & (shift == _LOCAL_RESERVED)
        self.local_entries = np.where(shift == _LOCAL_RESERVED, 0, ((1 << shift) >> 2) << 2)
        """
        Bytes from the global to the local entry point: PPC64_LOCAL_ENTRY_OFFSET() of module_64.c.

        0 where ``st_other`` holds the reserved value, as where there is one entry point.
        """
        self.symbol_unknown: Mask = np.zeros(len(self.ips), np.bool_)
        """Which sites may be in functions of a module whose symbols could not be read."""
        if self._view.symbols.missing is not None:
            for outside in np.flatnonzero(~self.in_function).tolist():
                covering = self._view.symbols.covering(int(self.ips[outside]))
                self.symbol_unknown[outside] = isinstance(covering, Unknown)

    def site(self, index: int) -> Site:
        """Return one of the sites by itself."""
        state, word = STATES[self.states[index]], int(self.words[index])
        return Site(
            address=int(self.ips[index]),
            offset=int(self.offsets[index]),
            word=word,
            state=state,
            target=int(self.targets[index]) if state is SiteState.ARMED else None,
            dialect=DIALECTS[self.dialects[index]],
            is_call=is_bl(word),
        )

    def dialect(self, index: int) -> str | Unknown:
        """Return the dialect of a site."""
        if self.dialect_known[index]:
            return DIALECTS[self.dialects[index]].value
        return self.unread(index, "the words before")

    def state(self, index: int) -> Literal["idle", "armed", "unknown"] | Unknown:
        """Return the state of a site; ``unknown`` if its word is neither."""
        if self.state_known[index]:
            return STATES[self.states[index]].value
        return self.unread(index)

    def unread(self, index: int, what: str = "the word at") -> Unknown:
        """Return why it is unknown what a site is."""
        missing = self._view.symbols.missing
        if self.read[index] and self.symbol_unknown[index] and missing is not None:
            return missing
        return Unknown(f"{what} {self.name(index)}: cannot be read")

    def name(self, index: int) -> str:
        """Return ``function+0x4 [module]`` of a site, or its address."""
        ip = int(self.ips[index])
        return self._view.symbols.label(ip)

    def word(self, index: int) -> str:
        """Return a site's address and word, as evidence."""
        return f"{Address(int(self.ips[index]))} holds {Word(int(self.words[index]))}"

    def ool_stub(self, index: int) -> str:
        """Return the address and words of a site's out-of-line stub, as evidence."""
        words = " ".join(Word(int(word)).bare for word in self.ool_words[index])
        return f"{Address(int(self.records.ool_stubs[index]))}: {words}"

    def flag_names(self, index: int) -> str:
        """Return the names of the flags in a site's record."""
        return " ".join(self._view.record_flags.of(int(self.flags[index]))) or "no flags"

    def flagged(self, name: str) -> Mask:
        """Return which records have the flag of that name; none where the kernel has no such."""
        flagged: Mask = (self.flags & np.uint64(self._view.record_flags[name])) != 0
        return flagged

    def has_flag(self, name: str) -> bool:
        """Return whether this kernel has a flag of that name."""
        return self._view.record_flags[name] != 0

    @property
    def users(self) -> npt.NDArray[np.int64]:
        """How many ftrace_ops want each site, as its record counts them."""
        return (self.flags & np.uint64(self._view.record_flags.lowest - 1)).astype(np.int64)

    @property
    def leaf(self) -> Mask:
        """Which sites are in a function that sets no TOC before them, in a kernel with a TOC."""
        if self._view.pcrel:
            return np.zeros(len(self), np.bool_)
        leaf: Mask = self.in_function & (self.local_entries == 0) & ~self._reserved
        return leaf

    @property
    def leaf_unknown(self) -> Mask:
        """Of which sites it cannot be told whether they are leaves."""
        if self._view.pcrel:
            return np.zeros(len(self), np.bool_)
        return self.symbol_unknown | self._reserved

    def note_unread(self) -> tuple[Unknown, ...]:
        """Make problems of the view of the words that could not be read; return them."""
        return tuple(
            self._view.problems.add(f"{what} {self._some(unread)}", "cannot be read")
            for what, unread in (
                ("the word at", ~self.read),
                ("the out-of-line stub of", ~self.ool_read & self.records.out_of_line),
            )
            if unread.any()
        )

    def _some(self, chosen: Mask) -> str:
        """Return the name of the first of some sites, and how many more there are."""
        first, *others = np.flatnonzero(chosen).tolist()
        return self.name(first) + (f" and {len(others)} more" if others else "")

    @property
    def missing(self) -> Unknown | None:
        """Why there may be armed sites that are not seen as such; None if all are seen."""
        unread = int((~self.state_known).sum() + (~self.ool_read & self.records.out_of_line).sum())
        words = Unknown(f"{unread} words or stubs of sites cannot be read") if unread else None
        return first_unknown((self.records.missing, words))

    def _read_ool_stubs(self) -> None:
        """Find out what each site calls: by its word, or by that of its out-of-line stub."""
        self.ool_words = np.zeros((len(self), 4), np.uint32)
        """Shape (number of sites, 4); zero where there are no out-of-line stubs."""
        self.ool_read: Mask = np.zeros(len(self), np.bool_)
        self.ool_valid: Mask = np.zeros(len(self), np.bool_)
        """Whether the words of the stub are those of one, and it returns behind this very site."""
        self.ool_ops = np.zeros(len(self), np.uint64)
        """The ftrace_ops that the stub points to, in a CALL_OPS kernel; else 0."""
        self.calls = self.targets
        """What is called when the site is armed."""
        self.has_call: Mask = self.states == ARMED
        """Where ``calls`` means something: armed sites, and every valid out-of-line stub."""
        if not self.records.out_of_line:
            return
        stubs = self.records.ool_stubs
        words, self.ool_read = read_words(
            self._view.prog, stubs - np.uint64(-OPS_POINTER_OFFSET), 6, self._page_size
        )
        self.ool_words = words[:, 2:]
        if self._view.call_ops:
            self.ool_ops = np.ascontiguousarray(words[:, :2]).view("<u8")[:, 0]
        decoded = decode_ool_stubs(self.ool_words, stubs)
        self.ool_valid = self.ool_read & decoded.valid & (decoded.sites == self.ips)
        self.calls = decoded.call_targets
        self.has_call = self.ool_valid
