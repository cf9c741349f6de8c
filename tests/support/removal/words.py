# SPDX-License-Identifier: GPL-2.0-or-later
"""The words by which an answer says that it does not know."""

import re

_WORDS = re.compile(
    r"(?<![\w-])(unknown|cannot be told|incomplete|at least)(?![\w-])", re.IGNORECASE
)
"""Not as a part of a name: ``site-unknown-word`` is a finding."""


def says_unknown(text: str) -> bool:
    """Return whether a text says that something is not known."""
    return _WORDS.search(text) is not None


def says_unreadable(sentence: str) -> bool:
    """Return whether a refusal says that it is for what could not be read."""
    return says_unknown(sentence) or "cannot be read" in sentence
