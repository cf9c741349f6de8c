# SPDX-License-Identifier: GPL-2.0-or-later
"""How an entry of a livepatch stack is laid out, by the words that take it off."""

from collections.abc import Callable, Iterator

from klp_debug.kernel.ftrace_symbols import LIVEPATCH_HANDLER, TRAMPOLINES
from klp_debug.kernel.livepatch_stack import STACK_END_MAGIC, EntryLayout
from klp_debug.kernel.symbols import KernelSymbol, KernelSymbols
from klp_debug.kernel.walk import WalkError
from klp_debug.ppc64le.livepatch_handler import PoppedEntry, decode_livepatch_handler

_HANDLER_WORDS = 48
"""Of ``livepatch_handler``; it has 25 in 6.1 to 7.2, and 29 in 4.11."""
_TRAMPOLINE_WORDS = 192

Read = Callable[[int, int], tuple[int, ...]]
"""Address of words and their number -> the words."""


def entry_layout(symbols: KernelSymbols, read: Read) -> EntryLayout:
    """
    Return the layout of an entry on a livepatch stack.

    Where the words are not understood no layout is supposed, not even that of all kernels up to
    7.2: a kernel whose words differ is likely to have altered them for another layout, and what
    would be read is taken for return addresses, on which ``disarm`` and ``report`` rest. Whether
    anything is on such a stack is known all the same.

    :raises WalkError: if no words tell it
    :raises drgn.FaultError: if the words cannot be read
    """
    for symbol, count in _sources(symbols):
        popped = decode_livepatch_handler(read(symbol.address, count))
        if popped is not None:
            return _layout(symbol.name, popped)
    raise WalkError("its words do not tell how an entry of a livepatch stack is laid out")


def _sources(symbols: KernelSymbols) -> Iterator[tuple[KernelSymbol, int]]:
    """Iterate over what calls replacements, and how many words of it to read."""
    handlers = symbols.named(LIVEPATCH_HANDLER, "vmlinux")
    for symbol in handlers:
        yield symbol, min(symbol.size // 4 or _HANDLER_WORDS, _HANDLER_WORDS)
    if not handlers:  # it may be part of what calls ftrace
        for name in TRAMPOLINES:
            for symbol in symbols.named(name, "vmlinux"):
                yield symbol, min(symbol.size // 4 or _TRAMPOLINE_WORDS, _TRAMPOLINE_WORDS)


def _layout(name: str, popped: PoppedEntry) -> EntryLayout:
    if popped.magic != STACK_END_MAGIC:
        # Then what is found at the marker's place says nothing of damage.
        raise WalkError(
            f"{name} compares with {popped.magic:#x}, not with STACK_END_MAGIC: what an entry of a"
            " livepatch stack has is not known"
        )
    return EntryLayout(size=popped.size, toc=popped.toc, lr=popped.lr, marker=popped.marker)
