# SPDX-License-Identifier: GPL-2.0-or-later
"""How small things are written in sentences."""

import doctest

from klp_debug.result import text


def test_the_samples_of_the_docstrings_are_true() -> None:
    failed, tried = doctest.testmod(text)
    assert (failed, tried) == (0, 4)


def test_nothing_of_a_users_word_reaches_the_terminal_unescaped() -> None:
    assert text.quoted("it's\n\x1b]0;x\x07\udcff é") == "it's\\n\\x1b]0;x\\x07\\udcff \\xe9"


def test_a_plural_of_its_own() -> None:
    assert [text.plural(n, "patch", "patches") for n in (0, 1, 2)] == [
        "0 patches",
        "1 patch",
        "2 patches",
    ]
