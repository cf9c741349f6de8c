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
        for one in file.functions or ():
            cells = (file.path, one.section, one.name, str(one.address), one.size, one.kind)
            site = ("" if one.site is None else one.site, one.dialect or "")
            row = [escape(cell) if isinstance(cell, str) else cell for cell in (*cells, *site)]
            writer.writerow(row)
    return text.getvalue().removesuffix("\n")
