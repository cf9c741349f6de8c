# SPDX-License-Identifier: GPL-2.0-or-later
"""Every patch, its objects and functions, and which function wins on each func_stack."""

from drgn import Object

from klp_debug.analysis.patches.barred import barred_at
from klp_debug.analysis.patches.disarmed import (
    disarmed_by,
    redirected_to,
    stack_idle_by_kernel,
)
from klp_debug.analysis.patches.func_stacks import FuncStack, FuncStacks
from klp_debug.analysis.patches.under_way import (
    UnderWay,
    of_func_in_transition,
    transition_under_way,
)
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.kernel.livepatch import (
    for_each_klp_func,
    for_each_klp_object,
    klp_func_nop,
    klp_func_old_address,
    klp_func_patch,
    klp_patch_forced,
    klp_patch_name,
    klp_patch_replace,
    klp_patch_replace_set,
)
from klp_debug.kernel.walk import c_string
from klp_debug.result.address import Address
from klp_debug.result.list import (
    Mechanism,
    Patch,
    PatchedFunction,
    PatchedObject,
    Runs,
    Tasks,
    Transition,
)
from klp_debug.result.unknown import Unknown


def livepatches(view: KernelView) -> tuple[Patch | Unknown, ...]:
    """
    Return every patch of ``klp_patches``, in stacking order.

    >>> for patch in known(livepatches(view)):
    ...     print(patch.stack_order, patch.name, [obj.name for obj in known(patch.objects)])
    1 leaf_patch ['scsi_common']
    2 toc_patch ['scsi_common']
    3 cmdline_patch_1 ['vmlinux']
    4 cmdline_patch_2 ['vmlinux']

    What cannot be read is ``Unknown``, and a problem of the view; the rest is returned.
    """
    return _PatchReader(view).patches()


class _PatchReader:
    def __init__(self, view: KernelView) -> None:
        self._view = view
        self._attempt = view.problems.attempt
        self._stacks = view.once(FuncStacks)
        self._under_way = view.once(transition_under_way)

    def patches(self) -> tuple[Patch | Unknown, ...]:
        return tuple(
            patch
            if isinstance(patch, Unknown)
            else self._attempt(f"klp_patch {patch.value_():#x}", self._patch, patch, order)
            for order, patch in enumerate(self._view.klp_patches.listed, start=1)
        )

    def _patch(self, patch: Object, order: int) -> Patch:
        name = klp_patch_name(patch)
        objects = self._view.problems.walk(
            f"objects of klp_patch {name}", for_each_klp_object(patch)
        )
        return Patch(
            name=name,
            enabled=bool(patch.enabled),
            replace=klp_patch_replace(patch),
            replace_set=klp_patch_replace_set(patch),
            forced=klp_patch_forced(patch),
            transition=self._transition(patch),
            stack_order=order,
            objects=tuple(
                obj
                if isinstance(obj, Unknown)
                else self._attempt(
                    f"klp_object {obj.value_():#x} of {name}", self._object, patch, obj, name
                )
                for obj in objects.listed
            ),
            address=Address(patch.value_()),
        )

    def _transition(self, patch: Object) -> Transition | Unknown | None:
        moving = self._under_way
        if isinstance(moving, UnderWay):
            return moving.direction if moving.patch.value_() == patch.value_() else None
        return moving

    def _object(self, klp_patch: Object, obj: Object, patch: str) -> PatchedObject:
        is_module = bool(obj.name)
        loaded = not is_module or bool(obj.mod)
        name = c_string(obj.name) if is_module else "vmlinux"
        barred = None if loaded else barred_at(self._view, klp_patch.mod.read_(), name)
        where = f"functions of klp_object {obj.value_():#x} of {patch}"
        functions = self._view.problems.walk(where, for_each_klp_func(obj))
        return PatchedObject(
            name=name,
            patched=bool(obj.patched),
            loaded=loaded,
            functions=tuple(
                func
                if isinstance(func, Unknown)
                else self._attempt(f"klp_func {func.value_():#x} of {patch}", self._function, func)
                for func in functions.listed
            ),
            address=Address(obj.value_()),
            barred_at=Address(barred) if isinstance(barred, int) else barred,
        )

    def _function(self, func: Object) -> PatchedFunction:
        stack = self._stack_of(func)
        nop = klp_func_nop(func)
        old_func = klp_func_old_address(func)
        new_func = func.new_func.value_()
        place = _place(func, stack)
        runs, version = self._runs(func, nop, stack)
        return PatchedFunction(
            old_name=c_string(func.old_name),
            sympos=func.old_sympos.value_(),
            old_func=Address(old_func) if old_func else None,
            new_func=Address(new_func),
            nop=nop,
            patched=bool(func.patched),
            transition=bool(func.transition),
            winner=place if isinstance(place, Unknown) else place == 0,
            stack_position=place,
            runs=runs,
            overridden_by=self._patch_of(version) if isinstance(version, Object) else version,
            new_symbol=self._view.symbols.format(new_func) if new_func else None,
            address=Address(func.value_()),
            disarmed=self._disarmed(stack, place),
            tasks=self._tasks(runs, top=place == 0),
        )

    def _stack_of(self, func: Object) -> FuncStack | Unknown | None:
        """Return the func_stack that a func is on; what its own ``patched`` says comes first."""
        stack = self._stacks.of_func(func)
        # klp_patch_func() sets it when it has put the func there, klp_unpatch_func() clears it.
        if isinstance(stack, Unknown) and not func.patched:
            return None
        return stack

    def _patch_of(self, func: Object) -> str | Unknown:
        return self._attempt(
            f"patch of klp_func {func.value_():#x}", lambda: klp_patch_name(klp_func_patch(func))
        )

    def _disarmed(
        self, stack: FuncStack | Unknown | None, place: int | Unknown | None
    ) -> Mechanism | Unknown | None:
        if stack is None or place is None:
            return None
        if isinstance(stack, Unknown) or isinstance(place, Unknown):
            return stack if isinstance(stack, Unknown) else None
        where = f"klp_ops {stack.ops.value_():#x}"
        return self._attempt(where, disarmed_by, self._view, stack, place)

    def _runs(
        self, func: Object, nop: bool, stack: FuncStack | Unknown | None
    ) -> tuple[Runs | Unknown, Object | Unknown | None]:
        """
        Say what ``klp_ftrace_handler()`` of kernel/livepatch/patch.c does with a func.

        Also the ``struct klp_func *`` that runs in its place, if one of another patch does.
        """
        if isinstance(stack, Unknown):
            return stack, stack
        position = stack.position(func) if stack is not None else None
        if stack is None or position is None:
            return "not applied", None
        where = f"klp_ops {stack.ops.value_():#x}"
        judged = self._attempt(where, self._runs_on, func, nop, stack, position)
        return (judged, judged) if isinstance(judged, Unknown) else judged

    def _tasks(self, runs: Runs | Unknown, *, top: bool) -> Tasks | Unknown | None:
        """
        Return which tasks run the top of a func_stack in transition, or what is below it.

        None if the function is in no transition.
        """
        if runs != "in transition":
            return runs if isinstance(runs, Unknown) else None
        moving = of_func_in_transition(self._under_way)
        if isinstance(moving, Unknown):
            return moving
        return moving.runs_top if top else moving.runs_below

    def _runs_on(
        self, func: Object, nop: bool, stack: FuncStack, position: int
    ) -> tuple[Runs | Unknown, Object | Unknown | None]:
        top = stack.funcs[0]
        original = self._original_runs(stack)
        if position > 0:
            redirected = redirected_to(self._view, stack, 0)
            if isinstance(redirected, Object) and redirected.value_() == func.value_():
                return "replacement", None
            # While the top entry is in transition, some tasks run the one below.
            above = top if redirected is None else redirected
            if not (position == 1 and top.transition) or original is True:
                return "overridden", above
            return ("in transition", above) if original is False else (original, original)
        if isinstance(original, Unknown) or original:
            return (original if isinstance(original, Unknown) else "original"), None
        if func.transition:
            return "in transition", None
        if nop:
            return "original", None
        below = redirected_to(self._view, stack, 0)
        if below is None or isinstance(below, Unknown):
            return ("replacement" if below is None else below), None
        return "overridden", below

    def _original_runs(self, stack: FuncStack) -> bool | Unknown:
        """Return whether the original runs for all tasks, whatever is on the func_stack."""
        if not self._stacks.calls_handler(stack):
            return True
        disarmed = self._disarmed(stack, 0)
        if disarmed == "site" or isinstance(disarmed, Unknown):
            return disarmed if isinstance(disarmed, Unknown) else True
        return stack_idle_by_kernel(self._view, stack)


def _place(func: Object, stack: FuncStack | Unknown | None) -> int | Unknown | None:
    """Return a func's place on its func_stack, 0 = top; None if it is on none."""
    return stack.position(func) if isinstance(stack, FuncStack) else stack
