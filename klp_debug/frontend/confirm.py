# SPDX-License-Identifier: GPL-2.0-or-later
"""Asks a person whether to write."""

import sys
from collections.abc import Callable

from klp_debug.render.as_text import as_text
from klp_debug.result.control import Change


def confirmation(prepare: Callable[[], None]) -> Callable[[Change], bool] | None:
    """
    Return what shows a change on stderr and asks; None where no person is at the terminal.

    :param prepare: called first, to clear the terminal of what else is shown
    """
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return None

    def ask(change: Change) -> bool:
        prepare()
        return _ask(change)

    return ask


def _ask(change: Change) -> bool:
    print(as_text(change), file=sys.stderr, flush=True)
    print("\nWrite this to the target? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")
