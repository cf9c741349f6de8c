# SPDX-License-Identifier: GPL-2.0-or-later
"""What came of a command: an answer in each of its forms, a refusal, or a failure."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """An answer."""

    document: Any
    """Its JSON document, read again."""
    text: str
    page: str | None
    """Its HTML page, if it has one."""
    clean: bool
    """Whether the exit status is 0."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The one sentence by which the command said that it has no answer."""

    sentence: str


@dataclass(frozen=True, slots=True)
class Failed:
    """What no user may ever see: a traceback, or a command that does not end."""

    how: str


Outcome = Answered | Refused | Failed
