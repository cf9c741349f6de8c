# SPDX-License-Identifier: GPL-2.0-or-later
"""The transition under way: none is a fact only if ``klp_transition_patch`` was read."""

import pytest

from klp_debug.analysis.patches.under_way import transition_under_way
from tests.support.fake_view import FakeKernel
from tests.support.sure import sure, unread


def test_none() -> None:
    kernel = FakeKernel()
    kernel.patch("first", kernel.function("f"))
    view = kernel.view()
    assert transition_under_way(view) is None
    assert view.problems.all() == ()


@pytest.mark.parametrize(("to", "direction"), [(1, "patching"), (0, "unpatching")])
def test_of_which_patch_and_which_way(to: int, direction: str) -> None:
    kernel = FakeKernel()
    patch = kernel.patch("first", kernel.function("f"))
    kernel.in_transition(patch, to=to)
    moving = sure(transition_under_way(kernel.view()))
    assert (moving.patch.value_(), moving.direction) == (patch.struct.address, direction)


def test_whether_there_is_one_cannot_be_read() -> None:
    kernel = FakeKernel()
    kernel.memory.lose(kernel.transition_patch)
    view = kernel.view()
    assert unread(transition_under_way(view)).reason.startswith("klp_transition_patch: not in")
    assert [problem.where for problem in view.problems.all()] == ["klp_transition_patch"]


def test_which_way_it_goes_cannot_be_read() -> None:
    kernel = FakeKernel()
    kernel.in_transition(kernel.patch("first", kernel.function("f")))
    kernel.memory.lose(kernel.target_state)
    assert unread(transition_under_way(kernel.view())).reason.startswith("klp_transition_patch: ")
