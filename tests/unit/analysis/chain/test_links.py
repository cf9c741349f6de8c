# SPDX-License-Identifier: GPL-2.0-or-later
"""How a link is written down."""

import pytest
from drgn import FaultError

from klp_debug.analysis.chain.links import Judgement, data_hop, text_hop, word_at
from klp_debug.result.unknown import Unknown
from tests.support.fake_view import FakeKernel


def test_a_link_of_instructions() -> None:
    kernel = FakeKernel()
    function = kernel.function("f", "scsi_common")
    judgement = Judgement("bl", ok=True)
    hop = text_hop(
        kernel.view(), "site", function.site, (0x48000001, 0x60000000), judgement, next_=0x1234
    )
    assert (hop.kind, hop.address, hop.symbol) == ("site", function.site, function.site_label)
    assert (hop.bytes, hop.what, hop.ok, hop.next) == ("48000001 60000000", "bl", True, 0x1234)


def test_one_where_nothing_is_and_that_leads_nowhere() -> None:
    judgement = Judgement("nothing is mapped there", ok=False)
    hop = text_hop(FakeKernel().view(), "replacement", 0x1234, (), judgement, next_=None)
    assert (hop.bytes, hop.symbol, hop.next, hop.ok) == ("", None, None, False)


def test_one_whose_words_and_way_are_unknown() -> None:
    why = Unknown("stub at 0x1234: is cut")
    judgement = Judgement("a stub", ok=why)
    hop = text_hop(FakeKernel().view(), "stub", 0x1234, why, judgement, next_=why)
    assert hop.bytes == hop.next == hop.ok == why


def test_a_link_of_data_leads_to_its_value() -> None:
    kernel = FakeKernel()
    ops = kernel.struct_variable("global_ops", "ftrace_ops", symbol=True)
    hop = data_hop(kernel.view(), "ops", ops.address, 0xC000000000001234, Judgement("x", ok=True))
    assert (hop.symbol, hop.bytes, hop.next) == (
        "global_ops",
        "c000000000001234",
        0xC000000000001234,
    )


def test_but_makes_it_wrong() -> None:
    assert Judgement("a stub", ok=True).but("its magic is 0") == Judgement(
        "a stub; its magic is 0", ok=False
    )


def test_the_word_where_a_call_leads() -> None:
    kernel = FakeKernel()
    function = kernel.function("f")
    view = kernel.view()
    assert word_at(view, "text", function.address) == (kernel.word(function.address),)
    # Below the kernel's addresses nothing of it is.
    assert word_at(view, "text", 0x1234) == ()
    assert view.problems.all() == ()


@pytest.mark.parametrize(
    ("why", "mapped"), [("not mapped: its pte entry is 0x0", False), ("page is missing", True)]
)
def test_the_word_of_a_page_that_cannot_be_read(
    monkeypatch: pytest.MonkeyPatch, why: str, mapped: bool
) -> None:
    at = 0xC008000000F00000

    def words(address: int, count: int) -> tuple[int, ...]:
        raise FaultError(why, address)

    view = FakeKernel().view()
    monkeypatch.setattr(view, "words", words)
    found = word_at(view, "text", at)
    assert found == (Unknown(f"text: {why}: {at:#x}") if mapped else ())
    assert bool(view.problems.all()) is mapped
