# SPDX-License-Identifier: GPL-2.0-or-later
"""A page as a browser's parser reads it."""

from collections.abc import Iterator
from xml.etree.ElementTree import Element

import html5lib

from klp_debug.render.html.page import as_html
from klp_debug.result.page import ReportPage


def parse(page: ReportPage) -> Element:
    """Return the document of a page, as :func:`parse_html` does."""
    return parse_html(as_html(page))


def parse_html(html: str) -> Element:
    """
    Return a document.

    :raises html5lib.html5parser.ParseError: where HTML's parser would have to mend something
    """
    parser = html5lib.HTMLParser(
        html5lib.getTreeBuilder("etree"), strict=True, namespaceHTMLElements=False
    )
    document: Element = parser.parse(html)
    return document


def local(element: Element) -> str:
    """Return an element's name without its namespace, which SVG's have."""
    return str(element.tag).rpartition("}")[2]


def find(document: Element, name: str, **attributes: str) -> Iterator[Element]:
    """Iterate over the elements of a name and with these attributes (``class_``: one of them)."""
    class_ = attributes.pop("class_", None)
    for element in document.iter():
        if local(element) != name:
            continue
        if class_ is not None and class_ not in element.get("class", "").split():
            continue
        if all(element.get(key) == value for key, value in attributes.items()):
            yield element


def text(element: Element) -> str:
    """Return the text in an element, its white space folded as a browser does."""
    return " ".join("".join(element.itertext()).split())


def shape(element: Element) -> object:
    """Return the tree of elements, each with the names of its attributes; no text, no values."""
    return local(element), sorted(element.keys()), [shape(child) for child in element]
