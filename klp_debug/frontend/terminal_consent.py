# SPDX-License-Identifier: GPL-2.0-or-later
"""Shows what is about to be written, and asks a person whether to write it."""

import sys
from collections.abc import Callable

from klp_debug.control.consent import Consent
from klp_debug.render.change import plan_lines
from klp_debug.result.control import Change


def terminal_consent(prepare: Callable[[], None]) -> Consent:
    """
    Return what shows a change on stderr, and asks where a person is at the terminal.

    :param prepare: called first, to clear the terminal of what else is shown
    """
    show = showing(prepare)

    def ask(change: Change) -> bool:
        show(change)
        print("\nWrite this to the target? [y/N] ", end="", file=sys.stderr, flush=True)
        return sys.stdin.readline().strip().lower() in ("y", "yes")

    person = sys.stdin.isatty() and sys.stderr.isatty()
    return Consent(confirm=ask if person else None, show=show)


def showing(prepare: Callable[[], None]) -> Callable[[Change], None]:
    """
    Return what shows a change on stderr, before it is done.

    :param prepare: called first, to clear the terminal of what else is shown
    """

    def show(change: Change) -> None:
        prepare()
        print(*plan_lines(change), sep="\n", file=sys.stderr, flush=True)

    return show
