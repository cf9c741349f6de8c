# SPDX-License-Identifier: GPL-2.0-or-later
"""
How a process ends: its exit code, and in order when a signal asks for it.

The sentence that tells why is :func:`klp_debug.frontend.tell.tell`'s: front doors say more by it
than why they end.
"""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

FINE = 0
FINDINGS = 1
"""Something was found or could not be read; or a change was refused."""
UNUSABLE = 2
"""Bad usage, or input that cannot be used."""
EPILOG = """\
exit codes:
  0  fine
  1  findings: something could not be read or does not fit together; or a change was refused
  2  bad usage, or input that cannot be used
"""

_SIGNALS = (signal.SIGTERM, signal.SIGHUP)
_AGAIN = 0.05
"""Seconds after which a signal that came to nothing is sent once more."""


@contextmanager
def ending_in_order() -> Iterator[None]:
    """
    Let SIGTERM and SIGHUP end the block as an exception does, with the shell's exit code.

    So a target that was stopped runs again.

    drgn runs hooks of its own from C, where an exception is printed and dropped: Ctrl-C, too, would
    be lost there. Then the signal comes again.
    """
    before = {number: signal.signal(number, _leave) for number in _SIGNALS}
    hook, sys.unraisablehook = sys.unraisablehook, _drop
    try:
        yield
    finally:
        sys.unraisablehook = hook
        for number, handler in before.items():
            signal.signal(number, handler)


def _leave(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def _drop(dropped: "sys.UnraisableHookArgs") -> None:
    if isinstance(dropped.exc_value, KeyboardInterrupt):
        _again(signal.SIGINT)
    elif isinstance(dropped.exc_value, SystemExit) and isinstance(dropped.exc_value.code, int):
        _again(dropped.exc_value.code - 128)
    else:
        sys.__unraisablehook__(dropped)


def _again(number: int) -> None:
    timer = threading.Timer(_AGAIN, os.kill, (os.getpid(), number))
    timer.daemon = True
    timer.start()
