# SPDX-License-Identifier: GPL-2.0-or-later
"""
Judges what is read line by line, or one piece of text after the other.

A piece must be one of those that the whole dump gave, or say that something is not known. One may
be missing only where another, new one says so: a problem at the foot does not excuse what stands
above it.
"""

from collections import Counter
from collections.abc import Sequence

from tests.support.removal.false_statement import FalseStatement
from tests.support.removal.words import says_unknown

_FOLDED_AT = 100
"""Columns; see klp_debug.render.report and klp_debug.render.audit."""
_FOLDED_BY = (9, 11)
"""Columns by which the rest of a folded sentence is moved in."""


def false_in_pieces(form: str, before: Sequence[str], after: Sequence[str]) -> list[FalseStatement]:
    """
    Return what is stated, or left out, without a word that it is not known.

    :param form: ``text`` or ``page``
    :param before: the pieces of the same answer when all could be read
    """
    missing = Counter(before)
    missing.subtract(Counter(after))
    added = [piece for piece, number in missing.items() if number < 0]
    false = [FalseStatement(form, "", "", piece) for piece in added if not says_unknown(piece)]
    if not any(says_unknown(piece) for piece in added):
        gone = [piece for piece, number in missing.items() if number > 0]
        false += [FalseStatement(form, "", piece, "") for piece in gone]
    return false


def statements(text: str) -> list[str]:
    """
    Return the lines of an answer's text, as the judge compares them.

    Runs of blanks are one, since a wide cell moves all others; folded sentences are one line
    again; and the section of problems, which says what could not be read, is no statement.
    """
    return [" ".join(line.split()) for line in _unfolded(_without_problems(text)) if line.strip()]


def _without_problems(text: str) -> list[str]:
    lines: list[str] = []
    in_problems = False
    for line in text.splitlines():
        if in_problems and line.startswith("    "):
            continue
        in_problems = line == "problems"
        if not in_problems:
            lines.append(line)
    return lines


def _unfolded(lines: list[str]) -> list[str]:
    whole: list[str] = []
    length = 0
    for line in lines:
        words = line.split()
        indent = len(line) - len(line.lstrip())
        if _continues(whole, words, indent, length):
            whole[-1] += f" {' '.join(words)}"
        else:
            whole.append(line)
        length = len(line)
    return whole


def _continues(whole: list[str], words: list[str], indent: int, length: int) -> bool:
    """Return whether a line is what was folded off the one above: that had no room for its word."""
    return (
        bool(whole and words)
        and indent in _FOLDED_BY
        and length <= _FOLDED_AT < length + 1 + len(words[0])
    )
