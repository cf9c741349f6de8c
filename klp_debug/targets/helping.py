# SPDX-License-Identifier: GPL-2.0-or-later
"""
Whether programs that get a target are helped by the plugin.

drgn calls its plugins for each program in the process, also for those that are opened here.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_no_help = ContextVar("_no_help", default=False)


@contextmanager
def without_help() -> Iterator[None]:
    """Let the plugin do nothing in the block: who opens a target there helps it."""
    token = _no_help.set(True)
    try:
        yield
    finally:
        _no_help.reset(token)


def is_helped() -> bool:
    """Return whether the plugin is to help a program that gets its target now."""
    return not _no_help.get()
