# SPDX-License-Identifier: GPL-2.0-or-later
"""``list``: every patch and who wins."""

import argparse

from klp_debug.analysis.patches.details import long_list
from klp_debug.analysis.patches.list import livepatches
from klp_debug.analysis.patches.refusals import refusals
from klp_debug.analysis.patches.retired import retired_modules
from klp_debug.analysis.patches.under_way import UnderWay, transition_under_way
from klp_debug.analysis.tasks.inside import TasksInside
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.command.command import Argument, Command
from klp_debug.result.list import PatchList, RetiredPatch
from klp_debug.result.unknown import Unknown


def run(view: KernelView, args: argparse.Namespace) -> PatchList:
    """Return every patch with its objects and functions."""
    return list_patches(view, inside=args.all, long=args.long)


def list_patches(view: KernelView, *, inside: bool = False, long: bool = False) -> PatchList:
    """
    Return every patch with its objects and functions.

    :param inside: whether to tell which tasks are inside of patches that are applied no more
    :param long: whether to tell more about the patches' modules, callbacks and shadow variables
    """
    patches = livepatches(view)
    moving = view.once(transition_under_way)
    return PatchList(
        kernel=view.describe(),
        patches=patches,
        transition=moving.direction if isinstance(moving, UnderWay) else moving,
        refusals=refusals(view) if view.target.stopped is None else None,
        retired=_retired(view, inside=inside),
        long=long_list(view) if long else None,
        problems=view.problems.all(),
    )


def _retired(view: KernelView, *, inside: bool) -> tuple[RetiredPatch | Unknown, ...]:
    found = retired_modules(view).listed
    tasks = TasksInside(view) if inside and found else None
    return tuple(
        module
        if isinstance(module, Unknown)
        else RetiredPatch(
            name=module.name,
            references=module.references,
            inside=None if tasks is None else tasks.of(module.name),
        )
        for module in found
    )


LIST = Command(
    name="list",
    summary="list live patches, their functions, and which one runs",
    description=(
        "Lists every live patch in stacking order, with its objects and functions, the address"
        " of each original and replacement, and what a call of the original runs now."
    ),
    run_on=run,
    needs_livepatch=False,
    arguments=(
        Argument(
            ("--long",),
            {
                "action": "store_true",
                "help": "also each patch's module (version, srcversion, taint), when it was enabled"
                " and applied to a module that came later, its callbacks, and shadow variables",
            },
        ),
        Argument(
            ("--all",),
            {
                "action": "store_true",
                "help": "also patches that are applied no more (disabled or replaced) whose modules"
                " are loaded: how many hold each, and which tasks are still inside",
            },
        ),
    ),
)
