# SPDX-License-Identifier: GPL-2.0-or-later
"""What the commands that write have in common: their options, and how they end."""

import argparse
from collections.abc import Callable

from drgn import FaultError

from klp_debug.analysis.view.find_function import kernel_name
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.command.command import Argument
from klp_debug.control.change import (
    Request,
    journaled_target,
    perform,
)
from klp_debug.control.consent import Consent
from klp_debug.control.journal import JournalText
from klp_debug.control.plan import Plan
from klp_debug.errors import TargetError
from klp_debug.kernel.walk import WalkError
from klp_debug.result.control import Action, Change

PATCH_ARGUMENT = Argument(
    ("patch",),
    {"metavar": "PATCH", "type": kernel_name, "help": "the patch: its module's name"},
)
CHANGE_ARGUMENTS = (
    Argument(
        ("--dry-run",),
        {"action": "store_true", "help": "show every write and what speaks against it; write none"},
    ),
    Argument(
        ("--yes",),
        {"action": "store_true", "help": "do not ask; needed where nobody can be asked"},
    ),
    Argument(
        ("--force",),
        {
            "action": "store_true",
            "help": "do it though it is not safe now; the answer names what that overrides",
        },
    ),
)


def change(
    view: KernelView,
    args: argparse.Namespace,
    consent: Consent,
    *,
    action: Action,
    subject: str,
    plan: Callable[[JournalText], Plan],
) -> Change:
    """
    Plan and do a change.

    :raises CommandError: if an argument names nothing, or nobody can be asked
    :raises TargetError: if the target cannot be written, or be read well enough
    """
    request = Request(
        action=action,
        subject=subject,
        dry_run=args.dry_run,
        force=args.force,
        yes=args.yes,
        consent=consent,
    )
    try:
        with journaled_target(view, request) as target:
            return perform(view, request, target, plan(target.text))
    except (WalkError, FaultError) as error:
        raise TargetError(f"the patches of the target cannot be read: {error}") from None
