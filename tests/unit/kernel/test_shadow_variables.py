# SPDX-License-Identifier: GPL-2.0-or-later
"""The hash table of shadow variables."""

import pytest
from drgn import FaultError

from klp_debug.kernel.shadow_variables import for_each_klp_shadow
from klp_debug.kernel.walk import WalkError
from tests.support.fake_kernel import Struct
from tests.support.fake_view import FakeKernel

BUCKETS = 4


def shadows(kernel: FakeKernel, *ids: int) -> list[Struct]:
    """Give a kernel shadow variables, all but the first in one bucket."""
    table = kernel.allocate(8 * BUCKETS)
    head = kernel.types.aggregate("hlist_head")
    kernel.place("klp_shadow_hash", kernel.prog.array_type(head, BUCKETS), table)
    made = []
    for number, id_ in enumerate(ids):
        shadow = kernel.new("klp_shadow", id=id_, obj=0x1000 + number)
        at = table + 8 * min(number, 1)
        shadow["node.next"] = kernel.prog_u64(at)
        kernel.put_u64(at, shadow.at("node"))
        made.append(shadow)
    return made


def test_a_kernel_without_any() -> None:
    assert list(for_each_klp_shadow(FakeKernel().prog)) == []


def test_each_with_its_object_and_data() -> None:
    kernel = FakeKernel()
    made = shadows(kernel, 7, 8, 9)
    found = list(for_each_klp_shadow(kernel.prog))
    assert [(one.id, one.obj) for one in found] == [(7, 0x1000), (9, 0x1002), (8, 0x1001)]
    assert found[0].data == made[0].at("data")


def test_a_chain_that_is_damaged() -> None:
    kernel = FakeKernel()
    first, *_ = shadows(kernel, 7)
    first["node.next"] = first.at("node")
    with pytest.raises(WalkError, match="comes again"):
        list(for_each_klp_shadow(kernel.prog))
    first.lose()
    with pytest.raises(FaultError):
        list(for_each_klp_shadow(kernel.prog))
