# SPDX-License-Identifier: GPL-2.0-or-later
"""
The functions that must not be on the stack of a task for it to switch in a transition.

Source: ``klp_check_stack()`` and ``klp_check_stack_func()`` in kernel/livepatch/transition.c.
"""

from dataclasses import dataclass

from drgn import Object

from klp_debug.analysis.patches.func_stacks import FuncStacks
from klp_debug.analysis.patches.under_way import UnderWay
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.analysis.view.walked import Walked
from klp_debug.kernel.livepatch import (
    KLP_PATCHED,
    for_each_klp_func,
    for_each_klp_object,
    klp_func_old_address,
)
from klp_debug.result.unknown import Unknown, first_unknown


@dataclass(frozen=True, slots=True)
class Blocker:
    """The version of a function that is to be left."""

    start: int
    end: int


def blockers(view: KernelView, under_way: UnderWay) -> Walked[Blocker]:
    """
    Return the functions that a transition looks for on the stacks.

    What cannot be read is missing, and becomes a problem of the view.
    """
    return _Blockers(view, under_way).all()


class _Blockers:
    def __init__(self, view: KernelView, under_way: UnderWay) -> None:
        self._view = view
        self._patch = under_way.patch
        self._target = under_way.target
        self._stacks = view.once(FuncStacks)
        self._found: list[Blocker] = []
        self._missing: list[Unknown | None] = []

    def all(self) -> Walked[Blocker]:
        where = f"objects of klp_patch {self._patch.value_():#x}"
        objects = self._view.problems.walk(where, for_each_klp_object(self._patch))
        self._missing.append(objects.missing)
        for obj in objects:
            where = f"klp_object {obj.value_():#x}"
            patched = self._view.problems.attempt(where, _is_patched, obj)
            if isinstance(patched, Unknown):
                self._missing.append(patched)
            elif patched:
                self._of_object(obj)
        return Walked(tuple(self._found), first_unknown(self._missing))

    def _of_object(self, obj: Object) -> None:
        where = f"functions of klp_object {obj.value_():#x}"
        functions = self._view.problems.walk(where, for_each_klp_func(obj))
        self._missing.append(functions.missing)
        for func in functions:
            where = f"klp_func {func.value_():#x}"
            blocker = self._view.problems.attempt(where, self._of_function, func)
            if isinstance(blocker, Unknown):
                self._missing.append(blocker)
            else:
                self._found.append(blocker)

    def _of_function(self, func: Object) -> Blocker | Unknown:
        if self._target != KLP_PATCHED:
            return _replacement(func)
        stack = self._stacks.of_func(func)
        if isinstance(stack, Unknown):
            return stack
        if stack is None or len(stack.funcs) == 1:
            if stack is not None and stack.missing is not None:
                return stack.missing
            start = klp_func_old_address(func)
            return Blocker(start, start + func.old_size.value_())
        return _replacement(stack.funcs[1])


def _is_patched(obj: Object) -> bool:
    return bool(obj.patched)


def _replacement(func: Object) -> Blocker:
    start = func.new_func.value_()
    return Blocker(start, start + func.new_size.value_())
