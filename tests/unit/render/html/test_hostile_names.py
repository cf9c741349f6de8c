# SPDX-License-Identifier: GPL-2.0-or-later
"""Whatever the strings of a target are, they are text on the page, and all of it can be seen."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klp_debug.render.html.page import as_html
from klp_debug.render.terminal import escape
from tests.support.answers.page import PAGE
from tests.support.answers.with_text import with_text
from tests.support.parsed import parse, parse_html, shape, text

HARMLESS = shape(parse(with_text(PAGE, "x")))
"""What the page consists of; no name may change that."""
HOSTILE = [
    "<script>alert(1)</script>",
    "</title></style></head><body onload=alert(1)>",
    "\"'><img src=x onerror=alert(1)>",
    "' onclick='alert(1)",
    "]]><!--",
    "--></svg><style>*{display:none}</style>",
    "&lt;script&gt; &#60;b&#62; &copy;",
    "{{ 7 * 7 }}{% raw %}${1}",
    "javascript:alert(1)",
    "\x1b[2J\x9b0m\x07\x00\x7f",
    "abc\u202egnp.exe\u2066\u2069\u200f",
    "a\nb\r\tc\u2028\u2029\ufeff\ufffe",
    "\ud800",
    "[red]x[/red]",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name(name: str) -> None:
    assert_is_text(name)


# What has a meaning in HTML or in a terminal more often than by chance, and everything else.
@given(
    st.text(st.sampled_from("<>&\"'`=/-!;#x{}%\\ \n\x00\x1b\u202e") | st.characters(), min_size=1)
)
def test_any_name(name: str) -> None:
    assert_is_text(name)


def assert_is_text(name: str) -> None:
    html = as_html(with_text(PAGE, name))
    assert all(" " <= char <= "~" or char == "\n" for char in html)
    document = parse_html(html)
    assert shape(document) == HARMLESS
    shown = " ".join(escape(name).split())
    times = text(document).count(shown)
    # At least each of the proof, the frames, the hops, the words of what is found, ...
    assert times > 60 or not shown
