# SPDX-License-Identifier: GPL-2.0-or-later
"""Whose TOC an address is: each module has one of its own, and the kernel another."""

from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.kernel.module import module_name, module_sections, module_toc

VMLINUX = "vmlinux"


def toc_owner(view: KernelView, toc: int) -> str | None:
    """Return the module, or ``vmlinux``, that has that TOC; None if nobody has."""
    if toc == view.kernel_toc:
        return VMLINUX
    for module in view.modules:
        with view.problems.noting(f"TOC of module at {module.value_():#x}"):
            if module_toc(module_sections(module)) == toc:
                return module_name(module)
    return None


def toc_of(view: KernelView, owner: str | None) -> int | None:
    """
    Return the TOC that functions of a module set up; None if there is none, or it is not known.

    :param owner: name of the module; None or ``vmlinux`` for the kernel's own functions
    """
    if owner in (None, VMLINUX):
        return view.kernel_toc
    module = view.module_of(owner) if owner is not None else None
    if module is not None:
        with view.problems.noting(f"TOC of module at {module.value_():#x}"):
            return module_toc(module_sections(module))
    return None


def whose_toc(view: KernelView, toc: int) -> str:
    """Return in words whose TOC it is."""
    owner = toc_owner(view, toc)
    if owner is None:
        return "no TOC of the kernel or a module"
    return "the kernel's TOC" if owner == VMLINUX else f"the TOC of {owner}"
