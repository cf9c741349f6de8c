# SPDX-License-Identifier: GPL-2.0-or-later
"""What is text, and what it is called: of the kernel, of modules, and what the kernel made."""

from functools import cached_property

from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.analysis.view.walked import Walked
from klp_debug.kernel.made_text import MadeText, for_each_made_text
from klp_debug.kernel.symbols import KERNEL_TEXT, NO_MODULE, KernelSymbol
from klp_debug.result.text import with_module
from klp_debug.result.unknown import Unknown


class Text:
    """The text of one target."""

    def __init__(self, view: KernelView) -> None:
        """Take the target."""
        self._view = view

    def is_text(self, address: int) -> bool | Unknown:
        """Return whether ``__kernel_text_address()`` takes an address for text."""
        if any(start <= address < end for start, end in self._kernel_text):
            return True
        symbol = self._view.symbols.covering(address)
        if isinstance(symbol, KernelSymbol) and symbol.is_function:
            return True
        made = self._made_at(address)
        if isinstance(made, MadeText):
            return True
        if isinstance(symbol, Unknown):
            return symbol
        return False if made is None else made

    def symbol(self, address: int, *, exact: bool) -> str | Unknown | None:
        """
        Return ``name+0xoffset [module]`` for an address; None if it belongs to no symbol.

        :param exact: whether it is no return address; such a one may lie behind the last
            instruction of its function
        """
        within = address if exact else (address - 1) % (1 << 64)
        symbol = self._view.symbols.covering(within)
        if isinstance(symbol, KernelSymbol):
            return with_module(f"{symbol.name}+{address - symbol.address:#x}", symbol.module)
        made = self._made_at(within)
        if isinstance(made, MadeText):
            return f"{made.name}+{address - made.start:#x}"
        return made if symbol is None else symbol

    def _made_at(self, address: int) -> MadeText | Unknown | None:
        """Return the text around an address that the kernel made while it ran."""
        if int(address) in NO_MODULE:  # a range searches for what is no plain int
            return None
        found = (text for text in self._made if text.start <= address < text.end)
        return next(found, self._made.missing)

    @cached_property
    def _made(self) -> Walked[MadeText]:
        return self._view.problems.walk(
            "text of BPF and kprobes", for_each_made_text(self._view.prog)
        )

    @cached_property
    def _kernel_text(self) -> list[tuple[int, int]]:
        """Where it begins and ends; assembly in it has symbols that are no functions."""
        named = self._view.symbols.named
        return [
            (named(start, "vmlinux")[0].address, named(end, "vmlinux")[0].address)
            for start, end in KERNEL_TEXT
            if named(start, "vmlinux") and named(end, "vmlinux")
        ]
