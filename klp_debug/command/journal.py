# SPDX-License-Identifier: GPL-2.0-or-later
"""``journal``: every change that was made to this boot of the kernel."""

import argparse

from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.command.command import Command
from klp_debug.control.status import journal
from klp_debug.result.control import Journal


def run(view: KernelView, args: argparse.Namespace) -> Journal:
    """Return every operation of this boot's journal."""
    return journal(view)


JOURNAL = Command(
    name="journal",
    summary="list every change made to this boot of the kernel, write by write",
    description=(
        "Lists every operation of this boot's journal with each of its writes, and what the"
        " target's memory says of it now. One journal is kept for each boot of each kernel, in the"
        " user's state folder; klp-debug writes to no target without one."
    ),
    run_on=run,
)
