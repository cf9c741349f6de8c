# SPDX-License-Identifier: GPL-2.0-or-later
"""Shows what is about to be written, and asks a person whether to write it."""

import sys
from collections.abc import Callable

from klp_debug.render.change import plan_lines
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


def showing(prepare: Callable[[], None]) -> Callable[[Change], None]:
    """
    Return what shows a change on stderr that nobody is asked about, before it is done.

    :param prepare: called first, to clear the terminal of what else is shown
    """

    def show(change: Change) -> None:
        prepare()
        _show(change)

    return show


def _show(change: Change) -> None:
    print(*plan_lines(change), sep="\n", file=sys.stderr, flush=True)


def _ask(change: Change) -> bool:
    _show(change)
    print("\nWrite this to the target? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")
