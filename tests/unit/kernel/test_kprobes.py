# SPDX-License-Identifier: GPL-2.0-or-later
"""The table of kprobes."""

import pytest
from drgn import FaultError

from klp_debug.kernel.kprobes import for_each_kprobe
from klp_debug.kernel.walk import WalkError
from tests.support.fake_probes import Probes
from tests.support.fake_view import FakeKernel

AT = 0xC000000000123450


@pytest.fixture
def probes() -> Probes:
    return Probes(FakeKernel())


def test_a_kernel_without_any() -> None:
    assert list(for_each_kprobe(FakeKernel().prog)) == []


def test_by_symbol_by_address_and_of_an_event(probes: Probes) -> None:
    by_symbol, by_address = probes.kprobe(AT, "f"), probes.kprobe(AT + 4)
    by_symbol["offset"], by_address["post_handler"] = 8, AT
    probes.event(AT + 8, "g", "kprobes", "mine")
    found = sorted(for_each_kprobe(probes.kernel.prog), key=lambda probe: probe.probed)
    assert [(p.probed, p.symbol, p.event, p.post_handler) for p in found] == [
        (AT, "f+0x8", None, False),
        (AT + 4, None, None, True),
        (AT + 8, "g+0x0", "kprobes/mine", False),
    ]
    assert found[0].address == by_symbol.address
    handlers = [
        probes.kernel.functions[name].address for name in ("handle_it", "kprobe_dispatcher")
    ]
    assert [probe.pre_handler for probe in found] == [handlers[0], handlers[0], handlers[1]]


def test_each_of_several_at_one_address(probes: Probes) -> None:
    one, two = (probes.kernel.new("kprobe", addr=AT) for _ in range(2))
    probes.aggregate(AT, one, two)
    found = list(for_each_kprobe(probes.kernel.prog))
    assert [probe.address for probe in found] == [one.address, two.address]


def test_a_chain_that_runs_in_a_cycle(probes: Probes) -> None:
    probe = probes.kprobe(AT)
    probes.kernel.put_u64(probe.at("hlist"), probe.at("hlist"))
    with pytest.raises(WalkError, match="comes again"):
        list(for_each_kprobe(probes.kernel.prog))


def test_one_that_cannot_be_read(probes: Probes) -> None:
    probes.kprobe(AT).lose()
    with pytest.raises(FaultError):
        list(for_each_kprobe(probes.kernel.prog))
