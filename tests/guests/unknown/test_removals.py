# SPDX-License-Identifier: GPL-2.0-or-later
"""No answer states what was not read: what it reads is removed, and it is asked again."""

import pytest

from tests.conftest import Captured
from tests.support.removal.cases import Case, What, removal_cases, removals_of
from tests.support.removal.grouped import group_lines
from tests.support.removal.kept import capture_of
from tests.support.removal.trial import trials

pytestmark = [pytest.mark.lab, pytest.mark.timeout(7200)]


@pytest.mark.parametrize("what", ["pages", "structures", "pairs"])
@pytest.mark.parametrize("case", removal_cases(), ids=str)
def test_no_answer_states_what_was_not_read(case: Case, what: What, captured: Captured) -> None:
    taken = captured(case.scenario, case.mmu, case.kernel)
    capture = capture_of(taken)
    removals = removals_of(capture, case, what)
    before, touched = capture.whole(case.line)
    assert touched
    found = [trial for trial in trials(capture, case.line, before, removals) if trial.false]
    assert not found, "\n" + "\n".join(group_lines(found))
