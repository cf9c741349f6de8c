# SPDX-License-Identifier: GPL-2.0-or-later
"""Asks before a write as GDB asks: ``(y or n)``, unless ``set confirm off``."""

import sys
from collections.abc import Callable

import gdb

from klp_debug.control.consent import Consent
from klp_debug.frontend.terminal_consent import showing
from klp_debug.result.control import Change


def gdb_consent(prepare: Callable[[], None]) -> Consent:
    """
    Return what shows a change, and asks where a person is at the terminal.

    GDB would take the answer for given where its input is no terminal, and `gdb -batch` turns
    `confirm` off. A write to a kernel takes ``--yes`` there, as everywhere.

    :param prepare: called first, to clear the terminal of what else is shown
    """
    show = showing(prepare)

    def agree(change: Change) -> bool:
        show(change)
        return True

    def ask(change: Change) -> bool:
        show(change)
        while True:
            gdb.write("Write this to the target? (y or n) ")
            gdb.flush()
            assert sys.__stdin__ is not None
            said = sys.__stdin__.readline()
            if not said or said.strip().lower() in ("n", "no"):
                return False
            if said.strip().lower() in ("y", "yes"):
                return True
            gdb.write("Please answer y or n.\n")

    if not (sys.__stdin__ and sys.__stdin__.isatty()):
        return Consent(confirm=None, show=show)
    return Consent(confirm=ask if gdb.parameter("confirm") else agree, show=show)
