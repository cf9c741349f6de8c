# SPDX-License-Identifier: GPL-2.0-or-later
"""The hazards of one file are kept in their order, and each once."""

from klp_debug.result.common import FindingKind
from klp_debug.scan.hazard_log import HazardLog
from tests.support.findings import told

FIRST, SECOND = (
    FindingKind(id=id_, severity="note", meaning="M.", shows="S.", action="A.")
    for id_ in ("first", "second")
)


def test_nothing_was_noted() -> None:
    assert HazardLog().found == ()


def test_hazards_are_in_the_order_in_which_they_were_noted() -> None:
    log = HazardLog()
    for kind, subject in ((SECOND, "b"), (FIRST, "b"), (SECOND, "a")):
        log.add(kind, subject, "evidence")
    assert told(log.found) == [("second", "b"), ("first", "b"), ("second", "a")]


def test_the_same_is_noted_once_and_stays_where_it_was() -> None:
    log = HazardLog()
    for subject in ("a", "b", "a"):
        log.add(FIRST, subject, "evidence")
    assert told(log.found) == [("first", "a"), ("first", "b")]


def test_other_evidence_of_the_same_is_another_hazard() -> None:
    log = HazardLog()
    log.add(FIRST, "a", "one")
    log.add(FIRST, "a", "two")
    assert [one.evidence for one in log.found] == ["one", "two"]


def test_what_was_found_does_not_change_with_what_comes_later() -> None:
    log = HazardLog()
    log.add(FIRST, "a", "evidence")
    before = log.found
    log.add(SECOND, "b", "evidence")
    assert told(before) == [("first", "a")]


def test_a_hazard_has_the_texts_of_its_kind() -> None:
    log = HazardLog()
    log.add(FIRST, "a", "evidence")
    (one,) = log.found
    assert (one.severity, one.meaning, one.action) == ("note", "M.", "A.")
