# SPDX-License-Identifier: GPL-2.0-or-later
"""What the kernel's log says of the moment when ftrace shut itself off."""

import re
from collections.abc import Sequence

from klp_debug.kernel.log import LogRecord

_FIRST = re.compile(r"-+\[ ftrace bug \]-+")
_AT_ONCE = 0.1
"""In seconds."""
_LINES = 8
"""``ftrace_bug()`` prints no more about itself; a backtrace may follow."""


def ftrace_bug_lines(records: Sequence[LogRecord]) -> tuple[str, ...]:
    """
    Return the lines of the first ``ftrace bug`` in the log; none if there is none.

    With the line before it, if that came at the same time: in it alone powerpc says what is wrong
    (``0xc000000000a3e14c: expected (60000000) != found (7fe00008)``).
    """
    for number, record in enumerate(records):
        if _FIRST.match(record.text):
            first = number
            if number and record.seconds - records[number - 1].seconds < _AT_ONCE:
                first = number - 1
            return tuple(line.text for line in records[first : number + _LINES])
    return ()
