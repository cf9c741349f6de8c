# SPDX-License-Identifier: GPL-2.0-or-later
"""The calls that a function's text makes: which functions, through which stubs."""

from collections.abc import Iterator
from dataclasses import dataclass

from klp_debug.analysis.chain.stubs import FollowedStub, Stubs
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.kernel.symbols import KernelSymbol
from klp_debug.ppc64le.instruction import LD_R2_24_R1, branch_target, is_bl
from klp_debug.result.unknown import Unknown

_MAX_WORDS = 1 << 16
"""A function of more is not read: its size, from the target, is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """A ``bl``, or a ``b`` out of the function: a sibling call."""

    address: int
    word: int
    links: bool
    """Whether it is a ``bl``."""
    takes_toc_back: bool
    """Whether ``ld r2,24(r1)`` is behind it."""
    stub: FollowedStub | Unknown | None
    """The module's stub that it goes through."""
    target: int | Unknown | None
    """The function that it reaches, its global or local entry point; None if a stub hides it."""


def branches(
    view: KernelView, stubs: Stubs, symbol: KernelSymbol, end: int | None = None
) -> Iterator[Branch]:
    """
    Iterate over the branches that leave a function, the last first.

    :param end: look at what is before this address only
    :raises drgn.FaultError: if its text, or a stub, cannot be read
    """
    start, stop = symbol.address, symbol.address + symbol.size
    count = min((min(stop, end) if end is not None else stop) - start, 4 * _MAX_WORDS) // 4
    words = view.words(start, count) if count > 0 else ()
    for index in range(len(words) - 1, -1, -1):
        word, address = words[index], start + 4 * index
        target = branch_target(word, address)
        if target is None or (not is_bl(word) and start <= target < stop):
            continue
        stub = stubs.of_module_at(target)
        yield Branch(
            address=address,
            word=word,
            links=is_bl(word),
            takes_toc_back=index + 1 < len(words) and words[index + 1] == LD_R2_24_R1,
            stub=stub,
            target=stub.target
            if isinstance(stub, FollowedStub)
            else stub
            if isinstance(stub, Unknown)
            else target,
        )
