# SPDX-License-Identifier: GPL-2.0-or-later
"""What a function is to the live patch whose module it is in."""

from klp_debug.analysis.patches.list import livepatches
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.kernel.symbols import KernelSymbol
from klp_debug.result.func import InPatch
from klp_debug.result.list import Patch, PatchedFunction, PatchedObject
from klp_debug.result.text import with_module
from klp_debug.result.unknown import Unknown, first_unknown, known


def in_patch(view: KernelView, symbol: KernelSymbol) -> InPatch | Unknown | None:
    """
    Return what a function is to its live patch; None if it is in the module of none.

    >>> in_patch(view, find_function(view.symbols, "patched_int_to_scsilun")).replaces
    'int_to_scsilun [scsi_common]'
    """
    if symbol.module is None or not view.has_livepatch:
        return None
    patch = view.is_patch_module(symbol.module)
    if patch is not True:
        return None if patch is False else patch
    patches = livepatches(view)
    listed = next((one for one in known(patches) if one.name == symbol.module), None)
    if listed is not None:
        return _in_listed(listed, symbol)
    missing = first_unknown(patches)
    return _code_of(symbol.module, applied=False) if missing is None else missing


def _in_listed(patch: Patch, symbol: KernelSymbol) -> InPatch | Unknown:
    unread: list[object] = [*patch.objects]
    for obj in known(patch.objects):
        unread += obj.functions
        for function in known(obj.functions):
            if function.new_func == symbol.address:
                return _replacement(patch.name, obj, function)
            unread.append(_hidden(patch.name, function))
    missing = first_unknown(unread)
    return _code_of(patch.name, applied=True) if missing is None else missing


def _hidden(patch: str, function: PatchedFunction) -> Unknown | None:
    """Return why it cannot be told which replacement a function has; None if it can."""
    if function.disarmed == "redirect":
        return Unknown(
            f"a debugger wrote another new_func over that which {patch} has for {function.old_name}"
        )
    return function.disarmed if isinstance(function.disarmed, Unknown) else None


def _code_of(patch: str, *, applied: bool) -> InPatch:
    return InPatch(
        patch=patch,
        applied=applied,
        replaces=None,
        runs=None,
        tasks=None,
        above=None,
        disarmed=None,
    )


def _replacement(patch: str, obj: PatchedObject, function: PatchedFunction) -> InPatch:
    module = None if obj.name == "vmlinux" else obj.name
    return InPatch(
        patch=patch,
        applied=True,
        replaces=with_module(function.old_name, module),
        runs=function.runs,
        tasks=function.tasks,
        above=function.overridden_by,
        disarmed=function.disarmed,
    )
