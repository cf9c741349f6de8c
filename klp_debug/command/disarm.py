# SPDX-License-Identifier: GPL-2.0-or-later
"""``disarm``: switch a patch off from outside."""

import argparse

from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.command.change import CHANGE_ARGUMENTS, PATCH_ARGUMENT, change
from klp_debug.command.command import Argument, Command
from klp_debug.control.consent import Consent
from klp_debug.control.journal import JournalText
from klp_debug.control.plan import Plan, plan_disarm
from klp_debug.result.control import Change


def run(view: KernelView, args: argparse.Namespace, consent: Consent) -> Change:
    """
    Disarm the functions of ``args.patch``, or one of them.

    :raises CommandError: if there is no such patch or function, or nobody can be asked
    :raises TargetError: if the target cannot be written
    """

    def plan(text: JournalText) -> Plan:
        return plan_disarm(view, args.patch, args.function, args.by)

    return change(view, args, consent, action="disarm", subject=args.patch, plan=plan)


DISARM = Command(
    name="disarm",
    summary="let a patch's functions run as if it were not there",
    description=(
        "On a target that a debugger holds stopped: lets every function of a patch behave as if the"
        " patch were not on its func_stack, by one aligned write each; all functions or none. The"
        " kernel's own books stay its own: the patch is enabled still. Refused while livepatch or"
        " ftrace is busy, or a task is inside a function that would be switched. Every write is"
        " noted in a journal first, compared before and read back after; undo takes it back."
    ),
    run_change=run,
    arguments=(
        PATCH_ARGUMENT,
        Argument(
            ("--function",),
            {
                "metavar": "NAME",
                "help": "only this function of it (MODULE:NAME or NAME,N if ambiguous)",
            },
        ),
        Argument(
            ("--by",),
            {
                "choices": ("ops", "redirect", "nop", "site"),
                "help": "how: ops (the default for a function alone on its func_stack) makes its"
                " ftrace_ops do nothing; redirect (the default on top of another patch) runs that"
                " patch's version; nop sets klp_func.nop; site makes its mcount site idle",
            },
        ),
        *CHANGE_ARGUMENTS,
    ),
)
