# SPDX-License-Identifier: GPL-2.0-or-later
"""How a link of a call chain is written down: with its address, symbol and bytes."""

from dataclasses import dataclass

from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.result.address import Address, Word
from klp_debug.result.func import Hop, HopKind
from klp_debug.result.unknown import Unknown


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a link is, in words, and whether it is as it must be."""

    what: str
    ok: bool | Unknown

    def but(self, wrong: str) -> "Judgement":
        """Return the judgement of a link that has something wrong besides."""
        return Judgement(f"{self.what}; {wrong}", ok=False)


def text_hop(
    view: KernelView,
    kind: HopKind,
    address: int,
    words: tuple[int, ...],
    judgement: Judgement,
    *,
    next_: int | Unknown | None,
) -> Hop:
    """
    Return a link that instructions make.

    :param words: the instructions; none if they cannot be read
    :param next_: where they lead; None if they do not tell, or the chain ends here
    """
    return Hop(
        kind=kind,
        address=Address(address),
        symbol=view.symbols.format(address),
        ok=judgement.ok,
        bytes=" ".join(Word(word).bare for word in words),
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
