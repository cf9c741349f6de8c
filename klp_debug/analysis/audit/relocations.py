# SPDX-License-Identifier: GPL-2.0-or-later
"""The audit of klp relocations: whether livepatch has filled in the places of each patch."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from drgn import Object

from klp_debug.analysis.audit.unchecked import unchecked
from klp_debug.analysis.catalogue import KLP_RELOCATION_UNRESOLVED
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.elf.format import R_PPC64_ADDR64, R_PPC64_REL24
from klp_debug.kernel.klp_relocations import KlpRelocation, for_each_klp_relocation
from klp_debug.kernel.module import module_name
from klp_debug.result.address import Address
from klp_debug.result.common import Finding
from klp_debug.result.unknown import Unknown

_REL24_MASK = 0x03FFFFFC


@dataclass(frozen=True, slots=True)
class UnresolvedRelocation:
    """A relocation whose place is as the compiler left it."""

    module: str
    relocation: KlpRelocation
    loaded: bool | Unknown
    """Whether the object is loaded that has the symbol."""

    @property
    def evidence(self) -> str:
        """What the place holds, and whether the object that it waits for is loaded."""
        to = self.relocation
        what = "holds 0" if to.type == R_PPC64_ADDR64 else "branches to itself"
        if isinstance(self.loaded, Unknown):
            state = f"whether {to.object} is loaded is unknown"
        else:
            state = f"{to.object} is {'loaded' if self.loaded else 'not loaded'}"
        return (
            f"{Address(to.place)}, for {to.symbol} in {to.section} of {self.module}, {what}:"
            f" {state}"
        )


def relocation_findings(view: KernelView) -> Iterator[Finding | Unknown]:
    """Iterate over a finding for each place that is not filled in though its object is loaded."""
    for unresolved in unresolved_relocations(view):
        if isinstance(unresolved, Unknown):
            yield unresolved
        elif isinstance(unresolved.loaded, Unknown):
            where = f"klp relocation at {Address(unresolved.relocation.place)}"
            yield unchecked(where, unresolved.loaded)
        elif unresolved.loaded:
            yield KLP_RELOCATION_UNRESOLVED.on(unresolved.module, unresolved.evidence)


def unresolved_relocations(view: KernelView) -> Iterator[UnresolvedRelocation | Unknown]:
    """
    Iterate over the places of all patches that are as the compiler left them.

    Those that cannot be read are ``Unknown``, and a problem of the view.
    """
    for patch in view.klp_patches:
        where = f"klp relocations of klp_patch {patch.value_():#x}"
        yield from view.problems.walk(where, _of_patch(view, patch)).listed
    if view.klp_patches.missing is not None:
        yield view.klp_patches.missing


def _of_patch(view: KernelView, patch: Object) -> Iterator[UnresolvedRelocation]:
    name = module_name(patch.mod)
    for relocation in for_each_klp_relocation(patch.mod):
        if _as_compiled(view, relocation):
            yield UnresolvedRelocation(name, relocation, _loaded(view, relocation.object))


def _loaded(view: KernelView, name: str) -> bool | Unknown:
    if name == "vmlinux":
        return True
    module = view.module_of(name)
    return module if isinstance(module, Unknown) else module is not None


def _as_compiled(view: KernelView, relocation: KlpRelocation) -> bool:
    """Tell whether a place is unchanged, of the two types where that can be told."""
    if relocation.type == R_PPC64_ADDR64:
        return bool(view.prog.read_u64(relocation.place) == 0)
    if relocation.type == R_PPC64_REL24:
        (word,) = struct.unpack("<I", view.prog.read(relocation.place, 4))
        return not word & _REL24_MASK
    return False
