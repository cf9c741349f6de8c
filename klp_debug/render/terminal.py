# SPDX-License-Identifier: GPL-2.0-or-later
"""What reaches a terminal: plain lines, with nothing of the target's left unescaped."""

import io

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

_WIDE = 1000
"""Columns; nothing is folded or cut, a terminal may wrap by itself."""


def escape(text: str) -> str:
    """
    Return text with every control or non-ASCII character escaped.

    Names come from the target's memory: a hostile one must not steer a terminal.
    """
    return "".join(
        char if " " <= char <= "~" else char.encode("unicode_escape").decode() for char in text
    )


def table(*headings: str) -> Table:
    """Return an empty table without lines, whose cells are never folded."""
    grid = Table(box=None, pad_edge=False, show_header=bool(headings), header_style="")
    for heading in headings:
        grid.add_column(heading, no_wrap=True, overflow="ignore")
    return grid


def add_row(grid: Table, *cells: str) -> None:
    """Add a row of plain cells, escaped, free of rich's own markup."""
    grid.add_row(*(Text(escape(cell)) for cell in cells))


def lines(renderable: RenderableType) -> list[str]:
    """Return what a renderable looks like, line by line, without trailing blanks."""
    if isinstance(renderable, Table) and not renderable.row_count:
        return []  # rich prints a blank line
    buffer = io.StringIO()
    Console(file=buffer, width=_WIDE, color_system=None, highlight=False).print(renderable)
    return [line.rstrip() for line in buffer.getvalue().splitlines()]
