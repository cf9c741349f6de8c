# SPDX-License-Identifier: GPL-2.0-or-later
"""``ops``: who is called from the mcount sites."""

import argparse

from klp_debug.analysis.patches.ops import registered_ops
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.command.command import Command
from klp_debug.result.ops import OpsList
from klp_debug.result.unknown import counted


def run(view: KernelView, args: argparse.Namespace) -> OpsList:
    """Return every registered ftrace_ops."""
    return list_ops(view)


def list_ops(view: KernelView) -> OpsList:
    """Return every registered ftrace_ops."""
    ops = registered_ops(view)
    return OpsList(
        kernel=view.describe(),
        ftrace_enabled=view.problems.attempt(
            "ftrace_enabled", lambda: bool(view.prog["ftrace_enabled"])
        )
        if view.has_ftrace
        else None,
        ops=ops,
        sites=counted(len(view.records), view.records.missing),
        problems=view.problems.all(),
    )


OPS = Command(
    name="ops",
    summary="list every ftrace_ops: its callback, flags, filters, and what it hooks",
    description=(
        "Lists every registered ftrace_ops in the order in which they are called: live patches,"
        " tracers, kprobes and others, each with its callback, flags by name, its filter and"
        " notrace hash, and how many mcount sites it is called from."
    ),
    run_on=run,
    needs_livepatch=False,
)
