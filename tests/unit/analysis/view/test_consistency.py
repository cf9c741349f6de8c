# SPDX-License-Identifier: GPL-2.0-or-later
"""An answer about a running kernel is tried again until nothing changed meanwhile."""

import pytest
from drgn import Program

from klp_debug.analysis.view import consistency
from klp_debug.analysis.view.consistency import TRIES, steady_answer
from klp_debug.result.common import Answer, Problem
from klp_debug.result.kernel import Kernel
from klp_debug.result.list import PatchList

KERNEL = Kernel(
    release="6.1",
    build_id=None,
    mmu="radix",
    page_size=65536,
    dialect="unknown",
    pcrel=False,
    source="QEMU guest",
    livepatch=True,
)
OTHER = Problem("list of modules", "cannot be read")


class Changing:
    """Reads states one after the other, and counts the answers."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *states: int) -> None:
        self.answers = 0
        self._states = iter(states)
        monkeypatch.setattr(consistency, "read_state", lambda prog: next(self._states))

    def answer(self) -> Answer:
        self.answers += 1
        return PatchList(KERNEL, (), None, (), (OTHER,))


@pytest.mark.parametrize(
    ("states", "answers"),
    [((1, 1), 1), ((1, 2, 2, 2), 2), ((1, 2, 3, 4, 5, 6, 7, 7), 4)],
)
def test_tried_until_nothing_changed(
    monkeypatch: pytest.MonkeyPatch, states: tuple[int, ...], answers: int
) -> None:
    changing = Changing(monkeypatch, *states)
    assert steady_answer(Program(), changing.answer).problems == (OTHER,)
    assert changing.answers == answers


def test_marked_if_it_never_stands_still(monkeypatch: pytest.MonkeyPatch) -> None:
    changing = Changing(monkeypatch, *range(2 * TRIES))
    problems = steady_answer(Program(), changing.answer).problems
    assert changing.answers == TRIES
    assert [problem.where for problem in problems] == ["unstable", "list of modules"]
