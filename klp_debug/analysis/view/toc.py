# SPDX-License-Identifier: GPL-2.0-or-later
"""Whose TOC an address is: each module has one of its own, and the kernel another."""

import contextlib
from collections.abc import Mapping

import numpy as np
from drgn import FaultError, Object
from drgn.helpers.linux.module import module_address_regions

from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.kernel.module import module_name, module_sections, module_toc_section
from klp_debug.ppc64le.entry import decode_entry
from klp_debug.ppc64le.entry_words import offsets_by_symbol
from klp_debug.result.unknown import Unknown, first_unknown

VMLINUX = "vmlinux"
_TOC_BIAS = 0x8000
"""r2 points so far behind the beginning of a TOC, so that 16 bits reach all of it."""
_ROUNDED_TO = 256
_LOCAL_ENTRY_8 = 0x60
_FUNCTIONS_ASKED = 16
"""One suffices; others may be on pages that a dump lacks."""


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
        found = view.problems.attempt(where, _toc_of, view, module)
        if isinstance(found, Unknown):
            missing = first_unknown((missing, found))
        elif found == toc:
            return view.problems.attempt(where, module_name, module)
    return missing


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
    return view.problems.attempt(where, _toc_of, view, module)


def _toc_of(view: KernelView, module: Object) -> int | Unknown | None:
    return toc_of_module(view, module, module_sections(module))


def toc_of_module(
    view: KernelView, module: Object, sections: Mapping[str, int]
) -> int | Unknown | None:
    """
    Return what r2 must hold in a module's functions, as ``my_r2()`` of module_64.c computes it.

    Since v4.20, and in RHEL's 4.18, it is rounded down to 256 bytes. Where that makes a difference,
    what the module's functions make of r12 tells.

    :param module: ``struct module *``
    :param sections: of :func:`klp_debug.kernel.module.module_sections`
    :return: None if the module's sections are not known
    :raises drgn.FaultError: if its name cannot be read
    """
    section = module_toc_section(sections)
    if section is None:
        return None
    if not section % _ROUNDED_TO:
        return section + _TOC_BIAS
    both = {section + _TOC_BIAS, section - section % _ROUNDED_TO + _TOC_BIAS}
    for address in _functions_with_toc(view, module):
        with contextlib.suppress(FaultError):
            words = view.words(address, 2)
            toc = decode_entry(words, address, st_other=_LOCAL_ENTRY_8).toc
            if toc in both:
                return toc
    return Unknown(f"TOC of {module_name(module)}: no function of its own that was read sets r2 up")


def _functions_with_toc(view: KernelView, module: Object) -> list[int]:
    """Return the addresses of some functions of a module that have a local entry point."""
    functions = view.symbols.functions()
    addresses = functions["address"]
    inside = np.zeros(len(addresses), np.bool_)
    for start, size in module_address_regions(module):
        inside |= (addresses >= np.uint64(start)) & (addresses - np.uint64(start) < np.uint64(size))
    inside &= offsets_by_symbol(functions["st_other"]) == 8
    return [int(address) for address in addresses[inside][:_FUNCTIONS_ASKED]]


def whose_toc(view: KernelView, toc: int) -> str:
    """Return in words whose TOC it is."""
    owner = toc_owner(view, toc)
    if owner is None:
        return "no TOC of the kernel or a module"
    if isinstance(owner, Unknown):
        return "whose TOC that is, is unknown"
    return "the kernel's TOC" if owner == VMLINUX else f"the TOC of {owner}"
