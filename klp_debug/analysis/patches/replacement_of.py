# SPDX-License-Identifier: GPL-2.0-or-later
"""What a function is to the live patch whose module it is in."""

from klp_debug.analysis.patches.list import livepatches
from klp_debug.analysis.patches.retired import retired_modules
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.kernel.symbols import KernelSymbol
from klp_debug.result.func import InPatch
from klp_debug.result.list import PatchedFunction, PatchedObject
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
    unread: list[object] = [*patches]
    for one in known(patches):
        unread += one.objects
        for obj in known(one.objects):
            unread += obj.functions
            for function in known(obj.functions):
                if one.name == symbol.module and _is(function, symbol):
                    return _replacement(one.name, obj, function)
    missing = first_unknown(unread)
    if missing is not None:
        return missing
    retired = retired_modules(view)
    found = next((True for each in retired if each.name == symbol.module), retired.missing)
    if isinstance(found, Unknown):
        return found
    return InPatch(
        patch=symbol.module, applied=found is None, replaces=None, runs=None, tasks=None, above=None
    )


def _is(function: PatchedFunction, symbol: KernelSymbol) -> bool:
    return not function.nop and function.new_func == symbol.address


def _replacement(patch: str, obj: PatchedObject, function: PatchedFunction) -> InPatch:
    module = None if obj.name == "vmlinux" else obj.name
    return InPatch(
        patch=patch,
        applied=True,
        replaces=with_module(function.old_name, module),
        runs=function.runs,
        tasks=function.tasks,
        above=function.overridden_by,
    )
