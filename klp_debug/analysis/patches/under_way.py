# SPDX-License-Identifier: GPL-2.0-or-later
"""The transition under way: of which patch, and which way."""

from dataclasses import dataclass

from drgn import Object, Program

from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.kernel.livepatch import KLP_PATCHED, klp_target_state, klp_transition_patch
from klp_debug.result.list import Tasks, Transition
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

    @property
    def runs_top(self) -> Tasks:
        """
        Which tasks run the top of a func_stack in transition; the others run what is below it.

        Those whose ``patch_state`` is ``KLP_PATCHED``, whichever way the transition goes:
        ``klp_ftrace_handler()`` of kernel/livepatch/patch.c.
        """
        return "already switched" if self.direction == "patching" else "not yet switched"

    @property
    def runs_below(self) -> Tasks:
        """Which tasks run what is below the top of a func_stack in transition."""
        return "not yet switched" if self.direction == "patching" else "already switched"


def transition_under_way(view: KernelView) -> UnderWay | Unknown | None:
    """Return the transition under way; None if there is none."""
    if not view.has_livepatch:
        return None
    return view.problems.attempt("klp_transition_patch", _under_way, view.prog)


def of_func_in_transition(under_way: UnderWay | Unknown | None) -> UnderWay | Unknown:
    """Return the transition that a ``klp_func`` is in by its own word."""
    if under_way is None:
        return Unknown("a klp_func is in transition, and no transition is under way")
    return under_way


def _under_way(prog: Program) -> UnderWay | None:
    patch = klp_transition_patch(prog)
    return None if patch is None else UnderWay(patch, klp_target_state(prog))
