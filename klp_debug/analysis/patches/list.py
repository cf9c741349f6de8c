# SPDX-License-Identifier: GPL-2.0-or-later
"""Every patch, its objects and functions, and which function wins on each func_stack."""

from drgn import Object

from klp_debug.analysis.patches.disarmed import disarmed_by, redirected_to
from klp_debug.analysis.patches.func_stacks import FuncStack, FuncStacks
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.kernel.livepatch import (
    KLP_PATCHED,
    for_each_klp_func,
    for_each_klp_object,
    for_each_klp_patch,
    klp_func_nop,
    klp_func_old_address,
    klp_func_patch,
    klp_patch_forced,
    klp_patch_name,
    klp_patch_replace,
    klp_target_state,
    klp_transition_patch,
)
from klp_debug.kernel.walk import c_string
from klp_debug.result.address import Address
from klp_debug.result.list import (
    Mechanism,
    Patch,
    PatchedFunction,
    PatchedObject,
    Runs,
    Transition,
)


def livepatches(view: KernelView) -> tuple[Patch, ...]:
    """
    Return every patch of ``klp_patches``, in stacking order.

    >>> for patch in livepatches(view):
    ...     print(patch.stack_order, patch.name, [obj.name for obj in patch.objects])
    1 leaf_patch ['scsi_common']
    2 toc_patch ['scsi_common']
    3 cmdline_patch_1 ['vmlinux']
    4 cmdline_patch_2 ['vmlinux']

    What cannot be read becomes a problem of the view; the rest is returned.
    """
    return _PatchReader(view).patches()


class _PatchReader:
    def __init__(self, view: KernelView) -> None:
        self._view = view
        self._stacks = FuncStacks(view)
        self._transition_patch = 0
        self._transition: Transition | None = None
        with view.problems.noting("klp_transition_patch"):
            patch = klp_transition_patch(view.prog)
            if patch is not None:
                self._transition_patch = patch.value_()
                patching = klp_target_state(view.prog) == KLP_PATCHED
                self._transition = "patching" if patching else "unpatching"

    def patches(self) -> tuple[Patch, ...]:
        problems = self._view.problems
        patches: list[Object] = []
        with problems.noting("list klp_patches"):
            patches.extend(for_each_klp_patch(self._view.prog))
        result = []
        for order, patch in enumerate(patches, start=1):
            with problems.noting(f"klp_patch {patch.value_():#x}"):
                result.append(self._patch(patch, order))
        return tuple(result)

    def _patch(self, patch: Object, order: int) -> Patch:
        name = klp_patch_name(patch)
        objects = []
        with self._view.problems.noting(f"objects of klp_patch {name}"):
            for obj in for_each_klp_object(patch):
                with self._view.problems.noting(f"klp_object {obj.value_():#x} of {name}"):
                    objects.append(self._object(obj, name))
        return Patch(
            name=name,
            enabled=bool(patch.enabled),
            replace=klp_patch_replace(patch),
            forced=klp_patch_forced(patch),
            transition=self._transition if patch.value_() == self._transition_patch else None,
            stack_order=order,
            objects=tuple(objects),
            address=Address(patch.value_()),
        )

    def _object(self, obj: Object, patch: str) -> PatchedObject:
        is_module = bool(obj.name)
        functions = []
        with self._view.problems.noting(f"functions of klp_object {obj.value_():#x} of {patch}"):
            for func in for_each_klp_func(obj):
                with self._view.problems.noting(f"klp_func {func.value_():#x} of {patch}"):
                    functions.append(self._function(func))
        return PatchedObject(
            name=c_string(obj.name) if is_module else "vmlinux",
            patched=bool(obj.patched),
            loaded=not is_module or bool(obj.mod),
            functions=tuple(functions),
            address=Address(obj.value_()),
        )

    def _function(self, func: Object) -> PatchedFunction:
        stack = self._stacks.of_func(func)
        position = stack.position(func) if stack else None
        nop = klp_func_nop(func)
        old_func = klp_func_old_address(func)
        new_func = func.new_func.value_()
        runs, version = self._runs(func, nop, stack, position)
        return PatchedFunction(
            old_name=c_string(func.old_name),
            sympos=func.old_sympos.value_(),
            old_func=Address(old_func) if old_func else None,
            new_func=Address(new_func),
            nop=nop,
            patched=bool(func.patched),
            transition=bool(func.transition),
            winner=position == 0,
            stack_position=position,
            runs=runs,
            overridden_by=klp_patch_name(klp_func_patch(version)) if version else None,
            new_symbol=self._view.symbols.format(new_func) if new_func else None,
            address=Address(func.value_()),
            disarmed=self._disarmed(stack, position),
        )

    def _disarmed(self, stack: FuncStack | None, position: int | None) -> Mechanism | None:
        if stack is None or position is None:
            return None
        with self._view.problems.noting(f"klp_ops {stack.ops.value_():#x}"):
            return disarmed_by(self._view, stack, position)
        return None

    def _runs(
        self, func: Object, nop: bool, stack: FuncStack | None, position: int | None
    ) -> tuple[Runs, Object | None]:
        """
        Say what ``klp_ftrace_handler()`` of kernel/livepatch/patch.c does with a func.

        Also the ``struct klp_func *`` that runs in its place, if one of another patch does.
        """
        if stack is None or position is None:
            return "not applied", None
        top = stack.funcs[0]
        if position > 0:
            redirected = redirected_to(stack, 0)
            if redirected is not None and redirected.value_() == func.value_():
                return "replacement", None
            # While the top entry is in transition, tasks not yet switched run the one below.
            below_switching = position == 1 and bool(top.transition)
            return "in transition" if below_switching else "overridden", redirected or top
        if not self._stacks.calls_handler(stack) or self._disarmed(stack, 0) == "site":
            return "original", None
        if func.transition:
            return "in transition", None
        if nop:
            return "original", None
        below = redirected_to(stack, 0)
        return ("replacement", None) if below is None else ("overridden", below)
