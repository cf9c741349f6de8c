# SPDX-License-Identifier: GPL-2.0-or-later
"""``transition``: who holds a transition up."""

import argparse

from klp_debug.analysis.tasks.transition import transition
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.command.command import Command
from klp_debug.result.transition import TransitionReport


def run(view: KernelView, args: argparse.Namespace) -> TransitionReport:
    """Return the transition under way, with every task that has not switched."""
    return transition(view)


TRANSITION = Command(
    name="transition",
    summary="say which tasks hold a patch transition up, and why",
    description=(
        "Says whether a transition is under way, which way it goes, and of every task that has"
        " not switched why it has not, by the kernel's own rules: a function that is to be"
        " switched is on its stack, its stack cannot be trusted, or it runs; then what would let"
        " it switch, and its stack."
    ),
    run_on=run,
    needs_livepatch=False,
)
