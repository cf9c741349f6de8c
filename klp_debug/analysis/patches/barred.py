# SPDX-License-Identifier: GPL-2.0-or-later
"""
Objects that a patch keeps from being loaded again.

When its object is loaded, livepatch relocates a patch's branches into it, and makes the nop behind
each ``ld r2,24(r1)``. When the object is removed the instruction stays, and at the next load
``restore_r2()`` of arch/powerpc/kernel/module_64.c does not find the nop that it expects: the
kernel refuses the object. Linux kernel commit 37251c7114e1 ("powerpc/module_64: Fix "expected nop"
error on module re-patching") (in v6.3) mends that. Distributions may have it in older kernels,
whose words are the same.
"""

import re

from drgn import Object

from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.elf.format import R_PPC64_REL24
from klp_debug.kernel.klp_relocations import for_each_klp_relocation
from klp_debug.ppc64le.instruction import NOP
from klp_debug.result.unknown import Unknown

_MENDED = (6, 3)


def barred_at(view: KernelView, module: Object, obj: str) -> int | Unknown | None:
    """
    Return the address of a branch because of which an object cannot be loaded again.

    >>> hex(barred_at(view, patch.mod, "scsi_common"))
    '0xc008000000150e10'

    :param module: ``struct module *`` of the patch
    :param obj: an object of the patch that is not loaded
    :return: None if there is none, or the kernel is one that does not mind
    """
    version = re.match(r"(\d+)\.(\d+)", view.target.vmcoreinfo.release)
    if version is not None and (int(version[1]), int(version[2])) >= _MENDED:
        return None
    where = f"klp relocations for {obj} of module at {module.value_():#x}"
    return view.problems.attempt(where, _first_without_nop, view, module, obj)


def _first_without_nop(view: KernelView, module: Object, obj: str) -> int | None:
    for relocation in for_each_klp_relocation(module):
        if relocation.object == obj and relocation.type == R_PPC64_REL24:
            behind = (relocation.place + 4) % (1 << 64)
            if view.words(behind, 1)[0] != NOP:
                return relocation.place
    return None
