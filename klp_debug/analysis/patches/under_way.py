# SPDX-License-Identifier: GPL-2.0-or-later
"""The transition under way: of which patch, and which way."""

from dataclasses import dataclass

from drgn import Object, Program

from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.kernel.livepatch import KLP_PATCHED, klp_target_state, klp_transition_patch
from klp_debug.result.list import Transition
from klp_debug.result.unknown import Unknown


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A transition that is under way."""

    patch: Object
    """``struct klp_patch *``."""
    target: int
    """``klp_target_state``."""

    @property
    def direction(self) -> Transition:
        """Which way it goes."""
        return "patching" if self.target == KLP_PATCHED else "unpatching"


def transition_under_way(view: KernelView) -> UnderWay | Unknown | None:
    """Return the transition under way; None if there is none."""
    return view.problems.attempt("klp_transition_patch", _under_way, view.prog)


def _under_way(prog: Program) -> UnderWay | None:
    patch = klp_transition_patch(prog)
    return None if patch is None else UnderWay(patch, klp_target_state(prog))
