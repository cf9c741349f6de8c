# SPDX-License-Identifier: GPL-2.0-or-later
"""``report``: is live patching to blame, and how is that proven."""

import argparse
from pathlib import Path

from klp_debug.analysis.crash.report import report
from klp_debug.analysis.crash.report_page import report_page
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.command.command import Argument, Command
from klp_debug.result.page import ReportPage
from klp_debug.result.report import Report


def run(view: KernelView, args: argparse.Namespace) -> Report | ReportPage:
    """Return the verdict with all that leads to it, and what its page shows if one is wanted."""
    return report(view) if args.html is None else report_page(view)


REPORT = Command(
    name="report",
    summary="say whether live patching is to blame for a crash, and prove it",
    description=(
        "Says first whether live patching caused the crash, how that is proven from the dump, and"
        " what to do; then the crash itself, every finding of audit and of the tasks' livepatch"
        " stacks, the patches and the transition. Without a crash it is a report of the health"
        " of live patching."
    ),
    run_on=run,
    page_path=lambda args: args.html,
    arguments=(
        Argument(
            ("--html",),
            {
                "type": Path,
                "metavar": "FILE",
                "help": "write the report as a page for a browser or a printer as well, with the"
                " call chain of each patched function drawn; the page needs no network and no"
                " script",
            },
        ),
    ),
    needs_livepatch=False,
)
