# SPDX-License-Identifier: GPL-2.0-or-later
"""What reaches a terminal is plain, whatever the target's strings are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klp_debug.render.terminal import add_row, escape, lines, table


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("klp_ftrace_handler+0x4 [scsi_common]", "klp_ftrace_handler+0x4 [scsi_common]"),
        ("\x1b[2J", "\\x1b[2J"),
        ("a\nb\t", "a\\nb\\t"),
        ("\x7f\xff\u202e", "\\x7f\\xff\\u202e"),
    ],
)
def test_escape(text: str, escaped: str) -> None:
    assert escape(text) == escaped


@given(st.text())
def test_nothing_escapes_escape(text: str) -> None:
    assert all(" " <= char <= "~" for char in escape(text))


def test_columns_are_aligned_and_no_line_ends_in_blanks() -> None:
    grid = table("A", "BB")
    add_row(grid, "one", "1")
    add_row(grid, "three", "")
    assert lines(grid) == ["A      BB", "one    1", "three"]


def test_cells_are_no_markup() -> None:
    grid = table()
    add_row(grid, "[red]x[/red] [scsi_common]", ":warning:")
    assert lines(grid) == ["[red]x[/red] [scsi_common]  :warning:"]


def test_a_line_is_never_folded() -> None:
    grid = table()
    add_row(grid, "ok", "x" * 500)
    assert lines(grid) == ["ok  " + "x" * 500]
