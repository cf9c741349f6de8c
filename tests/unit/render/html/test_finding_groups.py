# SPDX-License-Identifier: GPL-2.0-or-later
"""Findings by severity, each kind once."""

import dataclasses

from klp_debug.render.html.finding_groups import finding_groups
from tests.support.answers.audit import finding


def test_errors_first_and_each_kind_once() -> None:
    odd = dataclasses.replace(finding("a", "1", "odd"), severity="warning")
    first, second = finding("b", "2", "broken"), finding("c", "3", "broken")
    other = finding("d", "4", "also-broken")
    groups = finding_groups((odd, first, other, second))
    assert [(group.id, group.severity) for group in groups] == [
        ("broken", "error"),
        ("also-broken", "error"),
        ("odd", "warning"),
    ]
    assert groups[0].findings == (first, second)
    assert (groups[0].meaning, groups[0].action) == (first.meaning, first.action)


def test_none() -> None:
    assert finding_groups(()) == ()
