# SPDX-License-Identifier: GPL-2.0-or-later
"""The audit of patches: whether one keeps an object from being loaded again."""

from collections.abc import Iterator

from drgn import Object

from klp_debug.analysis.catalogue import OBJECT_BARRED
from klp_debug.analysis.patches.barred import barred_at
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.kernel.livepatch import for_each_klp_object, klp_patch_name
from klp_debug.kernel.walk import c_string
from klp_debug.result.address import Address
from klp_debug.result.common import Finding
from klp_debug.result.unknown import Unknown


def barred_findings(view: KernelView) -> Iterator[Finding | Unknown]:
    """Iterate over a finding for each object that the kernel will refuse because of a patch."""
    for patch in view.klp_patches:
        where = f"objects of klp_patch {patch.value_():#x}"
        yield from view.problems.walk(where, _of_patch(view, patch)).listed
    if view.klp_patches.missing is not None:
        yield view.klp_patches.missing


def _of_patch(view: KernelView, patch: Object) -> Iterator[Finding | Unknown]:
    name = klp_patch_name(patch)
    for obj in for_each_klp_object(patch):
        if not obj.name or obj.mod:
            continue
        module = c_string(obj.name)
        place = barred_at(view, patch.mod.read_(), module)
        if isinstance(place, Unknown):
            yield place
        elif place is not None:
            word = view.words(place + 4, 1)[0]
            yield OBJECT_BARRED.on(
                module,
                f"{name} calls into it at {Address(place)}"
                f" ({view.symbols.label(place)}); behind that is {word:08x}, not a nop",
            )
