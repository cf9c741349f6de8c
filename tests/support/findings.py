# SPDX-License-Identifier: GPL-2.0-or-later
"""Findings as tests compare them."""

from collections.abc import Iterable

from klp_debug.result.common import Finding
from klp_debug.result.unknown import Unknown, known


def told(findings: Iterable[Finding | Unknown]) -> list[tuple[str, str]]:
    """Return (id, subject) of each."""
    return [(finding.id, finding.subject) for finding in known(findings)]


def only(findings: Iterable[Finding | Unknown]) -> Finding:
    """Return the one finding that there is, where everything was checked."""
    (finding,) = findings
    assert isinstance(finding, Finding)
    return finding


def not_checked(findings: Iterable[Finding | Unknown]) -> list[str]:
    """Return why, of each check that could not be made."""
    return [finding.reason for finding in findings if isinstance(finding, Unknown)]
