# SPDX-License-Identifier: GPL-2.0-or-later
"""No answer states what was not read: what it reads is removed, and it is asked again."""

import functools
from pathlib import Path

import pytest

from tests.conftest import Captured
from tests.support.removal.capture import RemovalCapture
from tests.support.removal.cases import Case, What, removal_cases, removals_of
from tests.support.removal.grouped import group_lines
from tests.support.removal.trial import trials

pytestmark = [pytest.mark.lab, pytest.mark.timeout(7200)]


@functools.lru_cache(maxsize=1)
def opened(core: Path, vmlinux: Path) -> RemovalCapture:
    """Return a capture that stays open: the cases of one follow each other."""
    return RemovalCapture(core, vmlinux)


@pytest.mark.parametrize("what", ["pages", "structures", "pairs"])
@pytest.mark.parametrize("case", removal_cases(), ids=str)
def test_no_answer_states_what_was_not_read(case: Case, what: What, captured: Captured) -> None:
    taken = captured(case.scenario, case.mmu, case.kernel)
    capture = opened(taken.path(taken.scenario.captures[0]), taken.image.vmlinux)
    removals = removals_of(capture, case, what)
    before, touched = capture.whole(case.line)
    assert touched
    found = [trial for trial in trials(capture, case.line, before, removals) if trial.false]
    assert not found, "\n" + "\n".join(group_lines(found))
