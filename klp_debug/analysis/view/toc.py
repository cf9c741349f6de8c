# SPDX-License-Identifier: GPL-2.0-or-later
"""Whose TOC an address is: each module has one of its own, and the kernel another."""

from drgn import Object

from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.kernel.module import module_name, module_sections, module_toc
from klp_debug.result.unknown import Unknown, first_unknown

VMLINUX = "vmlinux"


def toc_owner(view: KernelView, toc: int) -> str | Unknown | None:
    """Return the module, or ``vmlinux``, that has that TOC; None if nobody has."""
    kernels = view.kernel_toc
    missing = view.modules.missing
    if isinstance(kernels, Unknown):
        missing = first_unknown((missing, kernels))
    elif toc == kernels:
        return VMLINUX
    for module in view.modules:
        where = f"TOC of module at {module.value_():#x}"
        owner = view.problems.attempt(where, _owner, module)
        if isinstance(owner, Unknown):
            missing = first_unknown((missing, owner))
        elif owner[1] == toc:
            return owner[0]
    return missing


def _owner(module: Object) -> tuple[str, int | None]:
    return module_name(module), module_toc(module_sections(module))


def toc_of(view: KernelView, owner: str | None) -> int | Unknown | None:
    """
    Return the TOC that functions of a module set up; None if there is none.

    :param owner: name of the module; None or ``vmlinux`` for the kernel's own functions
    """
    if owner in (None, VMLINUX):
        return view.kernel_toc
    module = view.module_of(owner) if owner is not None else None
    if module is None or isinstance(module, Unknown):
        return module
    where = f"TOC of module at {module.value_():#x}"
    return view.problems.attempt(where, lambda: module_toc(module_sections(module)))


def whose_toc(view: KernelView, toc: int) -> str:
    """Return in words whose TOC it is."""
    owner = toc_owner(view, toc)
    if owner is None:
        return "no TOC of the kernel or a module"
    if isinstance(owner, Unknown):
        return "whose TOC that is, is unknown"
    return "the kernel's TOC" if owner == VMLINUX else f"the TOC of {owner}"
