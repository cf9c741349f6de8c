# SPDX-License-Identifier: GPL-2.0-or-later
"""``list``: every patch and who wins."""

import argparse

from klp_debug.analysis.patches.list import livepatches
from klp_debug.analysis.patches.refusals import refusals
from klp_debug.analysis.patches.under_way import UnderWay, transition_under_way
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.command.command import Command
from klp_debug.result.list import PatchList


def run(view: KernelView, args: argparse.Namespace) -> PatchList:
    """Return every patch with its objects and functions."""
    return list_patches(view)


def list_patches(view: KernelView) -> PatchList:
    """Return every patch with its objects and functions."""
    patches = livepatches(view)
    moving = transition_under_way(view)
    return PatchList(
        kernel=view.describe(),
        patches=patches,
        transition=moving.direction if isinstance(moving, UnderWay) else moving,
        refusals=refusals(view) if view.target.stopped is None else None,
        problems=view.problems.all(),
    )


LIST = Command(
    name="list",
    summary="list live patches, their functions, and which one runs",
    description=(
        "Lists every live patch in stacking order, with its objects and functions, the address"
        " of each original and replacement, and what a call of the original runs now."
    ),
    run_on=run,
)
