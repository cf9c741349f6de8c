# SPDX-License-Identifier: GPL-2.0-or-later
"""The view of a program that stays open for several answers."""

from drgn import Program

from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.targets.host_program import target_of

_KEY = "klp_debug.view"
"""In :attr:`drgn.Program.cache`."""


def view_of(prog: Program) -> KernelView:
    """
    Return a view of a program for one more answer.

    What a dump holds does not change, so its view is kept, with the symbols and records that it
    has read, as long as it has met no problem: problems belong to one answer alone.

    :raises TargetError: if the program is no ppc64le Linux kernel with debugging information
    """
    kept = prog.cache.get(_KEY)
    if isinstance(kept, KernelView) and kept.problems.all() == tuple(kept.target.problems):
        return kept
    view = KernelView(target_of(prog))
    if view.target.core is not None:
        prog.cache[_KEY] = view
    return view
