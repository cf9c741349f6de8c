# SPDX-License-Identifier: GPL-2.0-or-later
"""One function of a patch as a change sees it: its func_stack, its site, and what may run now."""

from dataclasses import dataclass
from typing import TypeVar

from drgn import Object

from klp_debug.analysis.patches.disarmed import disarmed_by, redirected_to
from klp_debug.analysis.patches.func_stacks import FuncStack, FuncStacks
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.kernel.ftrace_ops import ftrace_ops_filter
from klp_debug.kernel.livepatch import (
    for_each_klp_func,
    for_each_klp_object,
    for_each_klp_patch,
    klp_func_nop,
    klp_func_old_address,
    klp_patch_name,
)
from klp_debug.kernel.walk import WalkError, c_string
from klp_debug.result.list import Mechanism
from klp_debug.result.unknown import Unknown

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a function: the original, or a replacement."""

    name: str
    start: int
    """Global entry point."""
    size: int
    """In bytes."""


class PatchFunction:
    """One ``struct klp_func`` of a patch, with its place on the func_stack."""

    def __init__(self, view: KernelView, stacks: FuncStacks, patch: str, obj: Object, func: Object):
        """
        Take a func of an object of a patch.

        :raises WalkError, drgn.FaultError: if it, or the func_stack that it is on, cannot be read
        """
        self.view = view
        self.patch = patch
        self.func = func
        self.module = c_string(obj.name) if obj.name else None
        self.old_name = c_string(func.old_name)
        self.position_of_name = func.old_sympos.value_() or 1
        """Which of the symbols of that name it is, from 1; livepatch writes 0 of the only one."""
        self.stack: FuncStack | None = _stack_of(stacks, func)
        position = self.stack.position(func) if self.stack is not None else None
        self.position = -1 if position is None else position
        """Place on the func_stack, 0 = top; -1 where it is on none."""

    @property
    def label(self) -> str:
        """``name`` or ``name [module]``."""
        return f"{self.old_name} [{self.module}]" if self.module else self.old_name

    @property
    def disarmed(self) -> Mechanism | None:
        """
        How a debugger holds it disarmed, if one does.

        :raises WalkError, drgn.FaultError: if that cannot be read
        """
        if self.stack is None:
            return None
        return must_be_known(disarmed_by(self.view, self.stack, self.position))

    @property
    def below(self) -> Object | None:
        """
        The ``struct klp_func *`` below it on the func_stack, if there is one.

        :raises WalkError: if that cannot be read
        """
        if self.stack is None:
            return None
        if self.position + 1 >= len(self.stack.funcs):
            return must_be_known(self.stack.missing)
        return self.stack.funcs[self.position + 1]

    def site(self) -> int | None:
        """Return the address of its mcount site: the one in its ops' filter. None if not one."""
        if self.stack is None:
            return None
        ips = ftrace_ops_filter(self.stack.ops.fops).filter
        return next(iter(ips)) if len(ips) == 1 else None

    def place(self, mechanism: Mechanism) -> int | None:
        """
        Return the address of what a mechanism writes; None if it has nothing to write to now.

        :raises WalkError, drgn.FaultError: if that cannot be read
        """
        if self.stack is None:
            return None
        match mechanism:
            case "ops":
                return int(self.stack.ops.fops.func.address_)
            case "redirect":
                return int(self.func.new_func.address_)
            case "nop":
                return int(self.func.nop.address_)
            case "site":
                return self.site()

    def running(self) -> Version:
        """
        Return the version that a call runs now.

        :raises WalkError, drgn.FaultError: if that cannot be read
        """
        assert self.stack is not None
        by = must_be_known(disarmed_by(self.view, self.stack, 0))
        top = self.stack.funcs[0]
        if by in ("ops", "site", "nop") or klp_func_nop(top):
            return self._original()
        below = must_be_known(redirected_to(self.view, self.stack, 0))
        return self._replacement(top if below is None else below)

    def _original(self) -> Version:
        return Version(self.label, klp_func_old_address(self.func), self.func.old_size.value_())

    def _replacement(self, func: Object) -> Version:
        start = func.new_func.value_()
        return Version(self.view.symbols.label(start), start, func.new_size.value_())


def _stack_of(stacks: FuncStacks, func: Object) -> FuncStack | None:
    stack = stacks.of_func(func)
    # klp_patch_func() sets it when it has put the func there, klp_unpatch_func() clears it.
    if isinstance(stack, Unknown) and not func.patched:
        return None
    return must_be_known(stack)


def must_be_known(value: T | Unknown) -> T:
    """
    Return what was read: nothing is written that rests on anything else.

    :raises WalkError: if it could not be read
    """
    if isinstance(value, Unknown):
        raise WalkError(value.reason)
    return value


def patch_functions(view: KernelView, patch: str) -> list[PatchFunction] | None:
    """
    Return the functions of the patch of that name; None if there is no such patch.

    :raises WalkError, drgn.FaultError: where a list is damaged or unreadable: a change must know
        them all
    """
    for klp_patch in for_each_klp_patch(view.prog):
        if klp_patch_name(klp_patch) == patch:
            return _functions(view, FuncStacks(view), klp_patch)
    return None


def all_patch_functions(view: KernelView) -> list[PatchFunction]:
    """
    Return the functions of all patches, in stacking order.

    :raises WalkError, drgn.FaultError: where a list is damaged or unreadable
    """
    stacks = FuncStacks(view)
    return [
        function
        for klp_patch in for_each_klp_patch(view.prog)
        for function in _functions(view, stacks, klp_patch)
    ]


def _functions(view: KernelView, stacks: FuncStacks, klp_patch: Object) -> list[PatchFunction]:
    patch = klp_patch_name(klp_patch)
    return [
        PatchFunction(view, stacks, patch, obj, func)
        for obj in for_each_klp_object(klp_patch)
        for func in for_each_klp_func(obj)
    ]


def patch_names(view: KernelView) -> list[str]:
    """
    Return the names of all patches, in stacking order.

    :raises WalkError, drgn.FaultError: where the list is damaged or unreadable
    """
    return [klp_patch_name(klp_patch) for klp_patch in for_each_klp_patch(view.prog)]
