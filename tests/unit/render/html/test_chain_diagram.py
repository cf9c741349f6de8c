# SPDX-License-Identifier: GPL-2.0-or-later
"""The call chain as it is drawn: every hop in order, the broken one marked by word and shape."""

import dataclasses
from xml.etree.ElementTree import Element

import pytest

from klp_debug.render.html.chain_diagram import chain_diagram
from klp_debug.result.address import Address
from klp_debug.result.page import ReportPage
from klp_debug.result.report import CrashFacts
from klp_debug.result.unknown import Unknown
from tests.support.answers.bt import SLEEPER, frame
from tests.support.answers.func import CUT
from tests.support.answers.func import UNREAD as UNREAD_TEXT
from tests.support.answers.page import BROKEN, PAGE, WHOLE
from tests.support.parsed import find, parse, text
from tests.support.sure import whole

UNREAD = Unknown("registers of CPU 0: they are not in the dump")

KINDS = [
    *("caller", "site", "stub", "trampoline", "dispatch"),
    *("ops", "handler", "winner", "replacement"),
]


def drawn(page: ReportPage = PAGE) -> list[Element]:
    (section,) = find(parse(page), "section", id="chains")
    return list(find(section, "article"))


def boxes(article: Element) -> list[Element]:
    (chain,) = find(article, "ol", class_="chain")
    return list(find(chain, "li", class_="box"))


def kind(box: Element) -> str:
    return text(next(find(box, "p", class_="kind")))


def test_the_broken_chain_comes_first() -> None:
    names = [text(next(find(article, "h3"))) for article in drawn()]
    assert names == ["int_to_scsilun [scsi_common]", "cmdline_proc_show"]


def test_every_hop_is_there_in_order() -> None:
    for article in drawn():
        assert [kind(box) for box in boxes(article)] == KINDS
        for box, hop in zip(boxes(article)[1:], whole(BROKEN.chain), strict=True):
            for fact in (hop.address.bare, str(hop.symbol or ""), hop.what, str(hop.bytes)):
                assert fact in text(box)


def test_the_broken_hop_is_marked_by_word_and_shape() -> None:
    broken, whole = drawn()
    marked = [box for box in boxes(broken) if "BROKEN" in text(box)]
    assert [kind(box) for box in marked] == ["stub"]
    (state,) = find(marked[0], "p", class_="state")
    assert text(state) == "BROKEN"
    assert list(find(state, "svg"))
    assert [kind(box) for box in boxes(broken) if "broken" in box.attrib["class"]] == ["stub"]
    # The arrow into the next box is cut, and of another shape than the others.
    cut = [box for box in boxes(broken) if list(find(box, "svg", class_="broken"))]
    assert [kind(box) for box in cut] == ["trampoline"]
    assert "broken at the stub: leads away" in text(broken)
    assert "BROKEN" not in text(whole)
    assert "every hop leads to the next" in text(whole)
    assert not list(find(whole, "svg", class_="broken"))


def test_hops_that_hold_say_so() -> None:
    states = [text(next(find(box, "p", class_="state"))) for box in boxes(drawn()[1])]
    assert states == ["", *["ok"] * 8]


def test_many_chains_are_folded_but_for_those_that_are_broken() -> None:
    page = dataclasses.replace(PAGE, functions=(WHOLE,) * 12 + (BROKEN,))
    folded = [
        "open" not in next(find(article, "details", class_="drawing")).attrib
        for article in drawn(page)
    ]
    assert folded == [False] * 8 + [True] * 5


def test_where_a_broken_hop_goes() -> None:
    first, stub, trampoline, *rest = whole(BROKEN.chain)
    astray = dataclasses.replace(stub, next=Address(0x1234))
    led = dataclasses.replace(astray, next=trampoline.address)
    for hop, leads_to in ((astray, "0000000000001234"), (led, None)):
        chain = (first, hop, trampoline, *rest)
        (box,) = chain_diagram(dataclasses.replace(BROKEN, chain=chain), None).broken
        assert box.leads_to == leads_to


def test_the_caller_in_the_crash() -> None:
    original = dataclasses.replace(
        frame(0xC0080000001401E8, "int_to_scsilun+0x8 [scsi_common]"), role="original"
    )
    inlined = dataclasses.replace(frame(0xC0080000001C0040, "inlined_here"), inlined=True)
    caller = frame(0xC0080000001C0044, "leaf_caller_show+0x3c [leaf_caller]")
    trace = dataclasses.replace(SLEEPER, frames=(original, inlined, caller))
    crash = CrashFacts(message=None, cpu=0, registers=UNREAD, trace=trace, log=())
    box = chain_diagram(BROKEN, crash).lanes[0].boxes[0]
    assert (box.address, box.symbol) == (caller.pc.bare, caller.symbol)
    assert box.text.startswith("on the stack of the crash; enters at c0080000001401e0")
    other = chain_diagram(WHOLE, crash).lanes[0].boxes[0]
    assert (other.address, other.symbol) == (None, "any caller")


def test_what_could_not_be_read_is_not_drawn_as_sound() -> None:
    (cut,) = drawn(dataclasses.replace(PAGE, functions=(CUT,)))
    states = [text(next(find(box, "p", class_="state"))) for box in boxes(cut)]
    assert states == ["", "ok", "unknown", "unknown"]
    assert kind(boxes(cut)[-1]) == "the rest is unknown"
    assert str(UNREAD_TEXT) in text(boxes(cut)[-1])
    assert "Call chain: incomplete" in text(cut)
    assert "every hop leads to the next" not in text(cut)


@pytest.mark.parametrize(
    "crash",
    [
        UNREAD,
        CrashFacts(message=None, cpu=0, registers=UNREAD, trace=UNREAD, log=()),
        CrashFacts(
            message=None,
            cpu=0,
            registers=UNREAD,
            trace=dataclasses.replace(SLEEPER, frames=(*SLEEPER.frames, UNREAD)),
            log=(),
        ),
    ],
    ids=["whether there was one", "its stack", "the rest of its stack"],
)
def test_whether_the_crash_came_through_it_is_unknown(crash: CrashFacts | Unknown) -> None:
    """Where the stack of the crash is unknown, its caller may be any, or the one of the crash."""
    box = chain_diagram(WHOLE, crash).lanes[0].boxes[0]
    assert box.symbol == "unknown caller"
    assert box.text.startswith("whether it is on the stack of the crash is unknown; ")
