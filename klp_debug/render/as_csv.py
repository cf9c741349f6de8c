# SPDX-License-Identifier: GPL-2.0-or-later
"""The functions that ``scan`` found as comma-separated values."""

import csv
import io

from klp_debug.render.terminal import escape
from klp_debug.result.scan import Scan

_HEADINGS = ("file", "section", "function", "address", "size", "kind", "site", "dialect")


def as_csv(answer: Scan) -> str:
    """
    Return one line a function, below a line of headings; RFC 4180, but with plain newlines.

    Addresses are written as in JSON; where a function has no site, ``site`` and ``dialect`` are
    empty.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_HEADINGS)
    for file in answer.files:
        for function in file.functions or ():
            cells = (
                file.path,
                function.section,
                function.name,
                str(function.address),
                function.size,
                function.kind,
            )
            site = ("" if function.site is None else function.site, function.dialect or "")
            row = [escape(cell) if isinstance(cell, str) else cell for cell in (*cells, *site)]
            writer.writerow(row)
    return text.getvalue().removesuffix("\n")
