# SPDX-License-Identifier: GPL-2.0-or-later
"""``undo``: take back what the journal tells."""

import argparse

from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.command.change import CHANGE_ARGUMENTS, change
from klp_debug.command.command import Argument, Command
from klp_debug.control.consent import Consent
from klp_debug.control.journal import JournalText
from klp_debug.control.plan import Plan
from klp_debug.control.recovery import plan_undo
from klp_debug.result.control import Change


def run(view: KernelView, args: argparse.Namespace, consent: Consent) -> Change:
    """
    Take back what was cut short, else the last operation.

    :raises CommandError: if nobody can be asked
    :raises TargetError: if the target cannot be written
    """
    subject = "all operations" if args.all else "the last operation"

    def plan(text: JournalText) -> Plan:
        return plan_undo(view, text, everything=args.all)

    return change(view, args, consent, action="undo", subject=subject, plan=plan)


UNDO = Command(
    name="undo",
    summary="take back the last operation, or finish what was cut short",
    description=(
        "On a target that a debugger holds stopped: if an operation was cut short, because the tool"
        " or the connection died, brings the target back to what it was before; else takes back the"
        " last operation of this boot's journal that is in force."
    ),
    run_change=run,
    arguments=(
        Argument(("--all",), {"action": "store_true", "help": "take back all operations"}),
        *CHANGE_ARGUMENTS,
    ),
)
