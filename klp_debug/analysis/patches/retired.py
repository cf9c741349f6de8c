# SPDX-License-Identifier: GPL-2.0-or-later
"""
Patches that left ``klp_patches`` though their modules are loaded.

A patch leaves it when it is disabled, and when another replaces it (kernel/livepatch/core.c,
``klp_free_patch_start()``). Its module stays until somebody removes it, and with it the text that a
task may still be in after a forced transition.
"""

from dataclasses import dataclass

from drgn import Object

from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.analysis.view.walked import Walked
from klp_debug.kernel.module import (
    module_is_initialised,
    module_is_livepatch,
    module_name,
    module_references,
)
from klp_debug.result.unknown import Unknown, first_unknown


@dataclass(frozen=True, slots=True)
class RetiredModule:
    """The module of a patch that is applied no more."""

    name: str
    references: int | Unknown | None
    """How many hold it in the kernel; None in a kernel that cannot unload modules."""


def retired_modules(view: KernelView) -> Walked[RetiredModule]:
    """
    Return the modules of patches that are not in ``klp_patches``.

    >>> [module.name for module in retired_modules(view)]
    ['leaf_patch']

    What cannot be read becomes a problem of the view.
    """
    patches = view.klp_patches
    missing = view.modules.missing
    applied = set()
    for patch in patches:
        where = f"klp_patch {patch.value_():#x}"
        module = view.problems.attempt(where, _module_of, patch)
        if isinstance(module, Unknown):
            missing = first_unknown((missing, module))
        else:
            applied.add(module)
    # Where a patch could not be seen, any module of a patch may be that one's.
    unseen = first_unknown((patches.missing, missing))
    retired = []
    for module in view.modules:
        found = view.problems.attempt(f"module at {module.value_():#x}", _retired, view, module)
        if isinstance(found, Unknown):
            missing = first_unknown((missing, found))
        elif found is not None and module.value_() not in applied:
            if unseen is None:
                retired.append(found)
            else:
                missing = first_unknown((missing, unseen))
    return Walked(tuple(retired), missing)


def _module_of(patch: Object) -> int:
    return int(patch.mod.value_())


def _retired(view: KernelView, module: Object) -> RetiredModule | None:
    """Return a module as a patch's that is applied no more, if it is of a patch at all."""
    # Its init function enables the patch: until that has run there is nothing to be applied.
    if not module_is_livepatch(module) or not module_is_initialised(module):
        return None
    name = module_name(module)
    references = view.problems.attempt(f"refcnt of {name}", module_references, module)
    return RetiredModule(name, references)
