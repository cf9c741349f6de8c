# SPDX-License-Identifier: GPL-2.0-or-later
"""How a link is written down."""

from klp_debug.analysis.chain.links import Judgement, data_hop, text_hop
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


def test_one_whose_words_cannot_be_read_and_that_leads_nowhere() -> None:
    judgement = Judgement("cannot be read", ok=False)
    hop = text_hop(FakeKernel().view(), "replacement", 0x1234, (), judgement, next_=None)
    assert (hop.bytes, hop.symbol, hop.next, hop.ok) == ("", None, None, False)


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
