# SPDX-License-Identifier: GPL-2.0-or-later
"""Findings as tests compare them."""

from collections.abc import Iterable

from klp_debug.result.common import Finding


def told(findings: Iterable[Finding]) -> list[tuple[str, str]]:
    """Return (id, subject) of each."""
    return [(finding.id, finding.subject) for finding in findings]


def only(findings: Iterable[Finding]) -> Finding:
    """Return the one finding that there is."""
    (finding,) = findings
    return finding
