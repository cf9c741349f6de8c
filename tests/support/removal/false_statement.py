# SPDX-License-Identifier: GPL-2.0-or-later
"""A statement that an answer has no ground for."""

import re
from dataclasses import dataclass

_NUMBERS = re.compile(r"\b(0x)?[0-9a-f]*\d[0-9a-f]*\b")
_INDEX = re.compile(r"\[[0-9]*\]")
_LONGEST = 120


@dataclass(frozen=True, slots=True)
class FalseStatement:
    """What an answer states of memory that it could not read, beside what the memory held."""

    form: str
    """Where it stands: ``json``, ``text``, ``page``, ``exit``, ``refusal`` or ``failure``."""
    place: str
    """The path in the document; empty elsewhere."""
    before: str
    """What the answer of the whole dump says there; empty if nothing."""
    after: str
    """What it says now; empty if nothing."""

    @property
    def shape(self) -> str:
        """The same for all that differ in numbers and addresses only, or in places of a list."""
        if self.form == "json":
            return f"json {_INDEX.sub('[]', self.place)}"
        line = self.after or f"(missing) {self.before}"
        return f"{self.form} {_NUMBERS.sub('#', line)[:_LONGEST]}"
