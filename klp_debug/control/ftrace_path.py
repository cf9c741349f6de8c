# SPDX-License-Identifier: GPL-2.0-or-later
"""
The text between a mcount site and the version that it leads to.

Whoever is there has made up its mind, or is about to, which version it will run, so that it counts
as inside. Source: arch/powerpc/kernel/trace/ftrace_entry.S, kernel/livepatch/patch.c.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.control.patch_function import PatchFunction
from klp_debug.control.stacks import Places, inside
from klp_debug.kernel.ftrace_symbols import (
    CALL_LABELS,
    DISPATCHERS,
    FTRACE_STUB,
    KLP_FTRACE_HANDLER,
    LIVEPATCH_HANDLER,
    TRAMPOLINES,
)
from klp_debug.kernel.symbols import KernelSymbol
from klp_debug.ppc64le.instruction import BCTRL, branch_target

_GATES = (
    *TRAMPOLINES,
    *CALL_LABELS,
    FTRACE_STUB,
    "ftrace_no_trace",
    LIVEPATCH_HANDLER,
    KLP_FTRACE_HANDLER,
    *DISPATCHERS,
    "ftrace_ops_assist_func",
)
_MAX_WORDS = 1024
_STUB_BYTES = 40
"""``struct ppc64_stub_entry``; the other stubs are shorter."""


class Gates:
    """The gates of some functions."""

    def __init__(self, view: KernelView, functions: Iterable[PatchFunction]) -> None:
        """
        Find them.

        :raises WalkError, drgn.FaultError: if a site or a stub cannot be read
        """
        self._view = view
        self._ranges: dict[str, tuple[int, int]] = {}
        for name in _GATES:
            for symbol in view.symbols.named(name, "vmlinux"):
                self._ranges[name] = (symbol.address, self._size(symbol))
        for function in functions:
            for number, (start, size) in enumerate(self._stubs(function), 1):
                self._ranges[f"stub {number} of {function.label}"] = (start, size)
        self._returns = set(self._handler_returns())

    def holding(self, places: Places) -> str | None:
        """Return the name of a gate that one of the places is in; None if none is."""
        # While a replacement runs it is to return there: it is inside that one, and no other.
        kept = replace(places, addresses=places.addresses - (self._returns - places.pcs))
        for name, (start, size) in self._ranges.items():
            if inside(kept, start, size):
                return name
        return None

    def _size(self, symbol: KernelSymbol) -> int:
        """Return the bytes that belong to a symbol; those of assembly may have no size."""
        if symbol.size:
            return symbol.size
        for number in range(1, _MAX_WORDS):
            covering = self._view.symbols.known_at(symbol.address + 4 * number)
            if covering is None or covering.name != symbol.name:
                return 4 * number
        return 4 * _MAX_WORDS

    def _stubs(self, function: PatchFunction) -> Iterator[tuple[int, int]]:
        """Iterate over the stubs from a function's site to the trampoline: (start, bytes)."""
        address = function.site()
        for _ in range(3):
            if address is None:
                return
            target = branch_target(self._view.words(address, 1)[0], address)
            if target is None or self._in_gate(target):
                return
            yield target, _STUB_BYTES
            # An out-of-line stub makes the call in its second word.
            address = target + 4

    def _in_gate(self, address: int) -> bool:
        return any(start <= address < start + size for start, size in self._ranges.values())

    def _handler_returns(self) -> Iterator[int]:
        """Iterate over where a replacement returns to."""
        if LIVEPATCH_HANDLER not in self._ranges:
            return
        start, size = self._ranges[LIVEPATCH_HANDLER]
        for number, word in enumerate(self._view.words(start, size // 4)):
            if word == BCTRL:
                yield start + 4 * number + 4
