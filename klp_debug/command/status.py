# SPDX-License-Identifier: GPL-2.0-or-later
"""``status``: what a debugger holds disarmed."""

import argparse

from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.command.command import Command
from klp_debug.control.status import status
from klp_debug.result.control import Status


def run(view: KernelView, args: argparse.Namespace) -> Status:
    """Return what is held disarmed, and what the journal says of it."""
    return status(view)


STATUS = Command(
    name="status",
    summary="say what a debugger holds disarmed, and what was cut short",
    description=(
        "Says which functions a debugger holds disarmed, by the kernel's memory alone; then, of"
        " this boot's journal, what is in force and what was cut short, compared with that memory."
        " Journals of other boots of the same kernel are named, and never applied."
    ),
    run_on=run,
)
