# SPDX-License-Identifier: GPL-2.0-or-later
"""Collects the hazards of one file."""

from dataclasses import dataclass, field

from klp_debug.analysis.findings import Kind
from klp_debug.result.finding import Finding


@dataclass
class HazardLog:
    """What was found so far; the same about the same is noted once."""

    found: list[Finding] = field(default_factory=list)

    def add(self, kind: Kind, subject: str, evidence: str) -> None:
        """Note a hazard."""
        finding = kind.on(subject, evidence)
        if finding not in self.found:
            self.found.append(finding)
