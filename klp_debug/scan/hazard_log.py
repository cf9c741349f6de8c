# SPDX-License-Identifier: GPL-2.0-or-later
"""Collects the hazards of one file."""

from dataclasses import dataclass, field

from klp_debug.result.common import Finding, FindingKind


@dataclass
class HazardLog:
    """What was found so far; the same about the same is noted once."""

    _found: dict[Finding, None] = field(default_factory=dict)

    def add(self, kind: FindingKind, subject: str, evidence: str) -> None:
        """Note a hazard."""
        self._found.setdefault(kind.on(subject, evidence))

    @property
    def found(self) -> tuple[Finding, ...]:
        """All hazards, in the order in which they were noted."""
        return tuple(self._found)
