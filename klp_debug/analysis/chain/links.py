# SPDX-License-Identifier: GPL-2.0-or-later
"""How a link of a call chain is written down: with its address, symbol and bytes."""

from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.result.address import Address, Word
from klp_debug.result.function import Hop, HopKind


def text_hop(
    view: KernelView,
    kind: HopKind,
    address: int,
    words: tuple[int, ...],
    *,
    ok: bool,
    what: str,
    next_: int | None,
) -> Hop:
    """Return a link that instructions make."""
    return Hop(
        kind=kind,
        address=Address(address),
        symbol=view.symbols.format(address),
        ok=ok,
        bytes=" ".join(Word(word).bare for word in words),
        what=what,
        next=Address(next_) if next_ is not None else None,
    )


def data_hop(
    view: KernelView, kind: HopKind, address: int, value: int, *, ok: bool, what: str
) -> Hop:
    """Return a link that a pointer of the kernel's data makes; it leads to the value."""
    return Hop(
        kind=kind,
        address=Address(address),
        symbol=view.symbols.format(address),
        ok=ok,
        bytes=Address(value).bare,
        what=what,
        next=Address(value),
    )
