# SPDX-License-Identifier: GPL-2.0-or-later
"""The call chain of one function as boxes, in lanes by whose code or data each is."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise, zip_longest

from klp_debug.render.func import toc_sentence
from klp_debug.render.unknown import cell
from klp_debug.result.address import Address
from klp_debug.result.bt import Frame
from klp_debug.result.func import FuncReport, Hop, HopKind, SiteResult, Winner
from klp_debug.result.report import CrashFacts
from klp_debug.result.text import with_module
from klp_debug.result.unknown import Unknown, first_unknown, known

_LANES: tuple[tuple[str, frozenset[HopKind]], ...] = (
    ("function", frozenset({"site", "ool-stub", "stub"})),
    ("ftrace", frozenset({"direct", "trampoline", "dispatch", "ops"})),
    ("livepatch", frozenset({"handler", "winner"})),
    ("patch", frozenset({"replacement"})),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """One box of a diagram: the caller, or a hop."""

    kind: str
    address: str | None
    symbol: str | None
    text: str
    bytes: str
    broken: bool
    unread: bool
    """Whether it could not be told if it is as it must be."""
    leads_to: str | None
    """Where a broken hop goes, if that is known and not where the next one is."""
    after_broken: bool
    """Whether the arrow into it is the broken one's."""


@dataclass(frozen=True, slots=True)
class Lane:
    """The boxes that belong together, in the order of the call."""

    title: str
    boxes: tuple[Box, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagram:
    """What is drawn of one function."""

    function: FuncReport
    name: str
    """With its module."""
    lanes: tuple[Lane, ...]
    broken: tuple[Box, ...]
    unread: bool
    """Whether not all of it is known."""
    marked: Address | None
    """The mcount site, where it is known."""
    replacement: str
    """What the replacement is called."""


def chain_diagram(function: FuncReport, crash: CrashFacts | Unknown | None) -> Diagram:
    """
    Return the diagram of a function's call chain.

    :param crash: if it came through this function, the caller is that of the crash
    """
    name = with_module(function.name, function.module)
    boxes = list(_boxes(function, name, crash))
    lanes = []
    for title, kinds in _LANES:
        of_lane = tuple(box for kind, box in boxes if kind in kinds)
        if of_lane:
            lanes.append(Lane(title, of_lane))
    return Diagram(
        function=function,
        name=name,
        lanes=tuple(lanes),
        broken=tuple(box for _, box in boxes if box.broken),
        unread=any(box.unread for _, box in boxes),
        marked=function.site.address if isinstance(function.site, SiteResult) else None,
        replacement=_replacement(function),
    )


def _replacement(function: FuncReport) -> str:
    winner = function.winner
    if not isinstance(winner, Winner):
        return "what replaces it is unknown"
    return cell(winner.symbol, "its replacement")


def _boxes(
    function: FuncReport, name: str, crash: CrashFacts | Unknown | None
) -> Iterator[tuple[HopKind, Box]]:
    yield "site", _caller_box(function, _caller_in_crash(name, crash))
    before_broken = False
    last: HopKind = "site"
    hops = known(function.chain)
    for hop, after in zip_longest(hops, hops[1:]):
        yield hop.kind, _hop_box(hop, after, after_broken=before_broken)
        before_broken, last = hop.ok is False, hop.kind
    unread = first_unknown(function.chain)
    if unread is not None:
        yield last, _unread_box(unread)


def _unread_box(unread: Unknown) -> Box:
    return Box(
        kind="the rest is unknown",
        address=None,
        symbol=None,
        text=str(unread),
        bytes="",
        broken=False,
        unread=True,
        leads_to=None,
        after_broken=False,
    )


def _caller_box(function: FuncReport, in_crash: Frame | Unknown | None) -> Box:
    if isinstance(in_crash, Frame):
        symbol, before = cell(in_crash.symbol, ""), "on the stack of the crash; "
    else:
        symbol, before = "any caller", ""
        if isinstance(in_crash, Unknown):
            symbol = "unknown caller"
            before = "whether it is on the stack of the crash is unknown; "
    entry = function.entry
    if entry.global_ == entry.local:
        enters = f"enters at {entry.global_.bare}, global and local entry point"
    else:
        enters = f"enters at {entry.global_.bare} by pointer, at {entry.local.bare} by direct call"
    return Box(
        kind="caller",
        address=in_crash.pc.bare if isinstance(in_crash, Frame) else None,
        symbol=symbol,
        text=f"{before}{enters}; {toc_sentence(function)}",
        bytes="",
        broken=False,
        unread=False,
        leads_to=None,
        after_broken=False,
    )


def _caller_in_crash(name: str, crash: CrashFacts | Unknown | None) -> Frame | Unknown | None:
    """Return the frame that called the function's original, if that is on the crash's stack."""
    if crash is None or isinstance(crash, Unknown):
        return crash
    if isinstance(crash.trace, Unknown):
        return crash.trace
    frames = [frame for frame in known(crash.trace.frames) if not frame.inlined]
    for frame, caller in pairwise(frames):
        if frame.role == "original" and isinstance(frame.symbol, str):
            function, _, rest = frame.symbol.partition("+")
            _, space, module = rest.partition(" ")
            if f"{function}{space}{module}" == name:
                return caller
    seen = (*crash.trace.frames, *(f for frame in frames for f in (frame.role, frame.symbol)))
    return first_unknown(seen)


def _hop_box(hop: Hop, after: Hop | None, *, after_broken: bool) -> Box:
    broken = hop.ok is False
    leads_to = hop.next if broken and isinstance(hop.next, Address) else None
    astray = leads_to is not None and (after is None or leads_to != after.address)
    return Box(
        kind="out-of-line stub" if hop.kind == "ool-stub" else hop.kind,
        address=hop.address.bare,
        symbol=None if hop.symbol is None else cell(hop.symbol),
        text=hop.what,
        bytes=cell(hop.bytes),
        broken=broken,
        unread=isinstance(hop.ok, Unknown),
        leads_to=leads_to.bare if astray and leads_to is not None else None,
        after_broken=after_broken,
    )
