# SPDX-License-Identifier: GPL-2.0-or-later
"""Findings as they are read: by severity, and what one kind means only once."""

from dataclasses import dataclass

from klp_debug.result.common import Finding, Severity

_ORDER: tuple[Severity, ...] = ("error", "warning")


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingGroup:
    """All findings of one kind."""

    id: str
    severity: Severity
    meaning: str
    action: str
    findings: tuple[Finding, ...]


def finding_groups(findings: tuple[Finding, ...]) -> tuple[FindingGroup, ...]:
    """Return the findings by severity, then in the order in which their kinds were found."""
    by_id: dict[str, list[Finding]] = {}
    for finding in findings:
        by_id.setdefault(finding.id, []).append(finding)
    groups = [
        FindingGroup(
            id=same[0].id,
            severity=same[0].severity,
            meaning=same[0].meaning,
            action=same[0].action,
            findings=tuple(same),
        )
        for same in by_id.values()
    ]
    return tuple(sorted(groups, key=lambda group: _ORDER.index(group.severity)))
