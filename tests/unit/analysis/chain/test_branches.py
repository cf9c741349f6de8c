# SPDX-License-Identifier: GPL-2.0-or-later
"""The branches by which a function leaves: calls, calls through stubs, sibling calls."""

import pytest
from drgn import FaultError

from klp_debug.analysis.chain.branches import Branch, branches
from klp_debug.analysis.chain.stubs import Stubs
from tests.support.fake_ftrace import FakeFunction
from tests.support.fake_view import FakeKernel
from tests.support.instructions import LD_R2_24_R1, NOP, b, bl
from tests.support.sure import sure, unread


@pytest.fixture
def kernel() -> FakeKernel:
    made = FakeKernel()
    made.function("near", "scsi_common", traced=False)
    made.function("far", traced=False)
    made.function("f", "scsi_common", traced=False)
    made.put_words(made.functions["f"].address, *[NOP] * 16)
    return made


def found(kernel: FakeKernel, end: int | None = None) -> list[Branch]:
    view = kernel.view()
    (symbol,) = view.symbols.named("f")
    return list(branches(view, Stubs(view), symbol, end))


def put(kernel: FakeKernel, function: FakeFunction, offset: int, to: int, *, link: bool) -> int:
    at = function.address + offset
    kernel.put_words(at, (bl if link else b)(at, to))
    return at


def test_a_function_that_calls_nothing(kernel: FakeKernel) -> None:
    assert found(kernel) == []


def test_a_call_of_its_own_module(kernel: FakeKernel) -> None:
    near = kernel.functions["near"].address
    at = put(kernel, kernel.functions["f"], 8, near, link=True)
    (branch,) = found(kernel)
    assert (branch.address, branch.word, branch.target) == (at, bl(at, near), near)
    assert (branch.links, branch.takes_toc_back, branch.stub) == (True, False, None)


def test_a_call_through_a_stub(kernel: FakeKernel) -> None:
    far = kernel.functions["far"].address
    stub = kernel.module("scsi_common").stub(far)
    at = put(kernel, kernel.functions["f"], 8, stub, link=True)
    kernel.put_words(at + 4, LD_R2_24_R1)
    (branch,) = found(kernel)
    assert (sure(branch.stub).stub.address, branch.target) == (stub, far)
    assert branch.takes_toc_back


def test_a_sibling_call_but_no_branch_within(kernel: FakeKernel) -> None:
    function = kernel.functions["f"]
    put(kernel, function, 4, function.address + 0x20, link=False)
    at = put(kernel, function, 8, kernel.functions["near"].address, link=False)
    (branch,) = found(kernel)
    assert (branch.address, branch.links) == (at, False)


def test_a_call_of_itself_is_one(kernel: FakeKernel) -> None:
    function = kernel.functions["f"]
    put(kernel, function, 8, function.address, link=True)
    assert [branch.target for branch in found(kernel)] == [function.address]


def test_the_last_first_and_only_before_an_address(kernel: FakeKernel) -> None:
    function, near = kernel.functions["f"], kernel.functions["near"].address
    places = [put(kernel, function, offset, near, link=True) for offset in (4, 12, 0x3C)]
    assert [branch.address for branch in found(kernel)] == places[::-1]
    assert [branch.address for branch in found(kernel, places[1])] == places[:1]
    assert found(kernel, function.address) == []


def test_text_that_cannot_be_read(kernel: FakeKernel) -> None:
    kernel.functions["f"].lose_text()
    with pytest.raises(FaultError):
        found(kernel)


def test_a_call_that_may_go_through_a_stub_of_a_module_that_cannot_be_read(
    kernel: FakeKernel,
) -> None:
    stub = kernel.module("scsi_common").stub(kernel.functions["far"].address)
    put(kernel, kernel.functions["f"], 8, stub, link=True)
    put(kernel, kernel.functions["f"], 12, kernel.functions["near"].address, link=True)
    kernel.module("scsi_common").sections.lose()
    near, through = found(kernel)
    at = kernel.module("scsi_common").struct.address
    missing = unread(through.stub)
    assert missing.reason.startswith(f"stubs of module at {at:#x}: not in the dump")
    assert through.target == missing
    # A function that has a symbol is no stub.
    assert (near.stub, near.target) == (None, kernel.functions["near"].address)


def test_a_stub_whose_target_hangs_on_what_cannot_be_read(kernel: FakeKernel) -> None:
    tramp = kernel.module("scsi_common").tramp
    put(kernel, kernel.functions["f"], 8, tramp, link=True)
    kernel.paca.lose()
    (branch,) = found(kernel)
    assert sure(branch.stub).stub.address == tramp
    assert unread(branch.target).reason.startswith("paca_ptrs[0]->kernel_toc: not in the dump")
