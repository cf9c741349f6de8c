# SPDX-License-Identifier: GPL-2.0-or-later
"""Which command a user may have meant who mistyped one."""

from collections.abc import Iterable
from difflib import get_close_matches


def suggestion(word: str, commands: Iterable[str]) -> str | None:
    """Return the sentence for a word that is no command; None if no command is like it."""
    meant = get_close_matches(word, commands, n=1)
    if not meant:
        return None
    return f"no command {ascii(word)[1:-1]}: did you mean {meant[0]!r}?"
