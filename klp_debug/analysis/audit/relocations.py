# SPDX-License-Identifier: GPL-2.0-or-later
"""The audit of klp relocations: whether livepatch has filled in the places of each patch."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from klp_debug.analysis.catalogue import KLP_RELOCATION_UNRESOLVED
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.elf.format import R_PPC64_ADDR64, R_PPC64_REL24
from klp_debug.kernel.klp_relocations import KlpRelocation, for_each_klp_relocation
from klp_debug.kernel.livepatch import for_each_klp_patch
from klp_debug.kernel.module import module_name
from klp_debug.result.address import Address
from klp_debug.result.common import Finding

_REL24_MASK = 0x03FFFFFC


@dataclass(frozen=True, slots=True)
class UnresolvedRelocation:
    """A relocation whose place is as the compiler left it."""

    module: str
    relocation: KlpRelocation
    loaded: bool
    """Whether the object is loaded that has the symbol."""

    @property
    def evidence(self) -> str:
        """What the place holds, and whether the object that it waits for is loaded."""
        to = self.relocation
        what = "holds 0" if to.type == R_PPC64_ADDR64 else "branches to itself"
        loaded = "loaded" if self.loaded else "not loaded"
        return (
            f"{Address(to.place)}, for {to.symbol} in {to.section} of {self.module}, {what}:"
            f" {to.object} is {loaded}"
        )


def relocation_findings(view: KernelView) -> Iterator[Finding]:
    """Iterate over a finding for each place that is not filled in though its object is loaded."""
    for unresolved in unresolved_relocations(view):
        if unresolved.loaded:
            yield KLP_RELOCATION_UNRESOLVED.on(unresolved.module, unresolved.evidence)


def unresolved_relocations(view: KernelView) -> Iterator[UnresolvedRelocation]:
    """
    Iterate over the places of all patches that are as the compiler left them.

    What cannot be read becomes a problem of the view.
    """
    if not view.has_livepatch:
        return
    loaded = {module_name(module) for module in view.modules} | {"vmlinux"}
    with view.problems.noting("list klp_patches"):
        for patch in for_each_klp_patch(view.prog):
            with view.problems.noting(f"klp relocations of klp_patch {patch.value_():#x}"):
                name = module_name(patch.mod)
                for relocation in for_each_klp_relocation(patch.mod):
                    if _as_compiled(view, relocation):
                        yield UnresolvedRelocation(name, relocation, relocation.object in loaded)


def _as_compiled(view: KernelView, relocation: KlpRelocation) -> bool:
    """Tell whether a place is unchanged, of the two types where that can be told."""
    if relocation.type == R_PPC64_ADDR64:
        return bool(view.prog.read_u64(relocation.place) == 0)
    if relocation.type == R_PPC64_REL24:
        (word,) = struct.unpack("<I", view.prog.read(relocation.place, 4))
        return not word & _REL24_MASK
    return False
