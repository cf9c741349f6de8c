# SPDX-License-Identifier: GPL-2.0-or-later
"""What the kernel's log says of the moment when ftrace shut itself off."""

import re
from collections.abc import Sequence

from klp_debug.kernel.log import LogRecord

_FIRST = re.compile(r"-+\[ ftrace bug \]-+")
_LINES = 8
"""``ftrace_bug()`` prints no more about itself; a backtrace may follow."""


def ftrace_bug_lines(records: Sequence[LogRecord]) -> tuple[str, ...]:
    """Return the lines of the first ``ftrace bug`` in the log; none if there is none."""
    for number, record in enumerate(records):
        if _FIRST.match(record.text):
            return tuple(line.text for line in records[number : number + _LINES])
    return ()
