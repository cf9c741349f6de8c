# SPDX-License-Identifier: GPL-2.0-or-later
"""``audit``: every mcount site of the kernel and its modules."""

import argparse

from klp_debug.analysis.audit.audit import audit
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.command.command import Argument, Command
from klp_debug.result.audit import Audit


def run(view: KernelView, args: argparse.Namespace) -> Audit:
    """Return every contradiction between sites, records, stubs and ops."""
    return audit(view, list_sites=args.sites)


AUDIT = Command(
    name="audit",
    summary="check every mcount site against its ftrace record, its stub and its ops",
    description=(
        "Checks every ftrace record of the kernel and its modules against the word in memory,"
        " the stub that it calls and the ftrace_ops that want it; counts sites by dialect, state"
        " and offset, for functions with and without TOC set-up. Every contradiction is a"
        " finding: docs/findings.md of the source tree tells what each kind means and what to do."
    ),
    run_on=run,
    arguments=(
        Argument(
            ("--sites",),
            {"action": "store_true", "help": "list every site, armed or idle, as well"},
        ),
    ),
    needs_livepatch=False,
)
