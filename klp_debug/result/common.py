# SPDX-License-Identifier: GPL-2.0-or-later
"""What answers have in common: what could not be read, and what does not fit together."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that this answer does not know, and why: never a traceback."""

    where: str
    """The structure or address, in the kernel's words: ``klp_patch leaf_patch``."""
    what: str
    """The reason, as one sentence."""


class Answer(Protocol):
    """A command's result; a dataclass whose fields are its JSON document."""

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What could not be read."""

    @property
    def clean(self) -> bool:
        """Whether there is nothing in it that a user must look at; else the exit code is 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One contradiction in the target."""

    id: str
    severity: Severity
    subject: str
    """The function, stub or structure it is about."""
    evidence: str
    """The bytes or values that show it, with their addresses."""
    meaning: str
    action: str
    """What a user can do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingKind:
    """One kind of finding; its texts are plain sentences, for a terminal and for Markdown."""

    id: str
    severity: Severity
    meaning: str
    shows: str
    """What the evidence of such a finding consists of."""
    action: str

    def on(self, subject: str, evidence: str) -> Finding:
        """Return the finding of this kind about a subject."""
        return Finding(
            id=self.id,
            severity=self.severity,
            subject=subject,
            evidence=evidence,
            meaning=self.meaning,
            action=self.action,
        )


def kinds_in(namespace: Mapping[str, object]) -> tuple[FindingKind, ...]:
    """
    Return the kinds that a module defines, in the order of its lines.

    :param namespace: the module's ``globals()``
    """
    return tuple(kind for kind in namespace.values() if isinstance(kind, FindingKind))
