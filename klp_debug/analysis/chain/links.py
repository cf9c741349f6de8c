# SPDX-License-Identifier: GPL-2.0-or-later
"""How a link of a call chain is written down: with its address, symbol and bytes."""

from dataclasses import dataclass

from drgn import FaultError

from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.result.address import Address, Word
from klp_debug.result.func import Hop, HopKind
from klp_debug.result.unknown import Unknown
from klp_debug.targets.translation import PAGE_OFFSET


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a link is, in words, and whether it is as it must be."""

    what: str
    ok: bool | Unknown

    def but(self, wrong: str) -> "Judgement":
        """Return the judgement of a link that has something wrong besides."""
        return Judgement(f"{self.what}; {wrong}", ok=False)


def word_at(view: KernelView, where: str, address: int) -> tuple[int, ...] | Unknown:
    """
    Return the instruction word where a call leads; none if nothing is mapped there.

    What the target lacks becomes a problem of the view.

    :param where: what is there, in the kernel's words
    """
    try:
        return view.words(address, 1)
    except FaultError as fault:
        # Only the walk of the page table can tell; a page that the dump lacks may be mapped.
        if address < PAGE_OFFSET or str(fault.args[0]).startswith("not mapped"):
            return ()
        return view.problems.add(where, str(fault))


def text_hop(
    view: KernelView,
    kind: HopKind,
    address: int,
    words: tuple[int, ...] | Unknown,
    judgement: Judgement,
    *,
    next_: int | Unknown | None,
) -> Hop:
    """
    Return a link that instructions make.

    :param words: the instructions; none if nothing is mapped there
    :param next_: where they lead; None if nowhere, or the chain ends here
    """
    return Hop(
        kind=kind,
        address=Address(address),
        symbol=view.symbols.format(address),
        ok=judgement.ok,
        bytes=words if isinstance(words, Unknown) else " ".join(Word(word).bare for word in words),
        what=judgement.what,
        next=Address(next_) if isinstance(next_, int) else next_,
    )


def data_hop(
    view: KernelView, kind: HopKind, address: int, value: int, judgement: Judgement
) -> Hop:
    """Return a link that a pointer of the kernel's data makes; it leads to the value."""
    return Hop(
        kind=kind,
        address=Address(address),
        symbol=view.symbols.format(address),
        ok=judgement.ok,
        bytes=Address(value).bare,
        what=judgement.what,
        next=Address(value),
    )
