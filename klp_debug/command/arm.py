# SPDX-License-Identifier: GPL-2.0-or-later
"""``arm``: switch a patch on again that a debugger holds disarmed."""

import argparse

from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.command.change import CHANGE_ARGUMENTS, PATCH_ARGUMENT, change
from klp_debug.command.command import Command
from klp_debug.control.arm import plan_arm
from klp_debug.control.consent import Consent
from klp_debug.control.journal import JournalText
from klp_debug.control.plan import Plan
from klp_debug.result.control import Change


def run(view: KernelView, args: argparse.Namespace, consent: Consent) -> Change:
    """
    Arm the functions of ``args.patch``.

    :raises CommandError: if there is no such patch, or nobody can be asked
    :raises TargetError: if the target cannot be written
    """

    def plan(text: JournalText) -> Plan:
        return plan_arm(view, text, args.patch)

    return change(view, args, consent, action="arm", subject=args.patch, plan=plan)


ARM = Command(
    name="arm",
    summary="let a patch's functions run again that a debugger holds disarmed",
    description=(
        "On a target that a debugger holds stopped: takes back all that holds a patch disarmed, by"
        " the journal's old values; where someone else disarmed it, by what the kernel itself"
        " tells. All functions or none, as safe as disarm."
    ),
    run_change=run,
    arguments=(
        PATCH_ARGUMENT,
        *CHANGE_ARGUMENTS,
    ),
)
