# SPDX-License-Identifier: GPL-2.0-or-later
"""Judges an HTML page: takes it apart into the pieces that a reader sees or is read aloud."""

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from tests.support.parsed import local, parse_html

_SPOKEN = ("title", "aria-label", "alt")
_UNSEEN = ("style", "script")
_TOLD_BY_MARK = ("fine", "bad")
"""What a mark beside a word states, too; the one of doubt states nothing."""


def pieces(page: str) -> list[str]:
    """
    Return the texts of a page in the order of the document; runs of blanks are one.

    The section of problems, and what leads there, is left out: it says what could not be read.
    """
    return [folded for piece in _pieces(parse_html(page)) if (folded := " ".join(piece.split()))]


def _pieces(element: Element) -> Iterator[str]:
    if not isinstance(element.tag, str) or local(element) in _UNSEEN or _of_problems(element):
        return
    yield from (element.get(name, "") for name in _SPOKEN)
    classes = element.get("class", "").split()
    if "mark" in classes:
        yield from (f"(mark: {name})" for name in classes if name in _TOLD_BY_MARK)
    yield element.text or ""
    for child in element:
        yield from _pieces(child)
        yield child.tail or ""


def _of_problems(element: Element) -> bool:
    if local(element) == "li":
        return any(child.get("href") == "#problems" for child in element)
    return element.get("id") == "problems"
