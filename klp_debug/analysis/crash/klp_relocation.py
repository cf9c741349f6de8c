# SPDX-License-Identifier: GPL-2.0-or-later
"""A replacement that used a symbol which livepatch had not filled in."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from klp_debug.analysis.catalogue import KLP_RELOCATION_UNRESOLVED
from klp_debug.analysis.crash.crash import CrashScene
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.elf.format import R_PPC64_ADDR64, R_PPC64_REL24
from klp_debug.kernel.klp_relocations import KlpRelocation, for_each_klp_relocation
from klp_debug.kernel.livepatch import for_each_klp_patch
from klp_debug.kernel.module import module_name
from klp_debug.result.address import Address
from klp_debug.result.finding import Finding
from klp_debug.result.report import Verdict

_REL24_MASK = 0x03FFFFFC


@dataclass(frozen=True, slots=True)
class _Unresolved:
    """A relocation whose place is as the compiler left it."""

    module: str
    relocation: KlpRelocation
    loaded: bool
    """Whether the object is loaded that has the symbol."""

    @property
    def evidence(self) -> str:
        one = self.relocation
        what = "holds 0" if one.type == R_PPC64_ADDR64 else "branches to itself"
        loaded = "loaded" if self.loaded else "not loaded"
        return (
            f"{Address(one.place)}, for {one.symbol} in {one.section} of {self.module}, {what}:"
            f" {one.object} is {loaded}"
        )


def judge(scene: CrashScene) -> Verdict | None:
    """Return the verdict if a replacement used such a place; None if none did."""
    registers = scene.registers
    if registers is None or scene.trace is None:
        return None
    by = next(
        (
            frame
            for frame in scene.trace.frames[:3]
            if frame.role == "replacement" and not frame.inlined
        ),
        None,
    )
    if by is None or int(registers.nip) != 0:
        return None
    of_patch = [
        one
        for one in _unresolved(scene.view)
        if one.module == by.patch and one.relocation.type == R_PPC64_ADDR64
    ]
    if not of_patch:
        return None
    return Verdict(
        blame="caused",
        id=KLP_RELOCATION_UNRESOLVED.id,
        what=(
            "Live patching caused this crash.",
            f"The replacement at {by.symbol} called through a pointer that livepatch has not filled"
            " in.",
        ),
        proof=(
            f"NIP = {registers.nip}, CTR = {registers.ctr}, LR = {registers.link} ({by.symbol})",
            *(one.evidence for one in of_patch),
        ),
        why=(
            "livepatch applies .klp.rela.OBJECT.SECTION when OBJECT is loaded and patched. A"
            " replacement of another object's function can run before."
        ),
        now=KLP_RELOCATION_UNRESOLVED.action,
        checked=(),
    )


def relocation_findings(view: KernelView) -> Iterator[Finding]:
    """Iterate over a finding for each place that is not filled in though its object is loaded."""
    for one in _unresolved(view):
        if one.loaded:
            yield KLP_RELOCATION_UNRESOLVED.on(one.module, one.evidence)


def _unresolved(view: KernelView) -> Iterator[_Unresolved]:
    if not view.has_livepatch:
        return
    loaded = {module_name(module) for module in view.modules} | {"vmlinux"}
    with view.problems.noting("list klp_patches"):
        for patch in for_each_klp_patch(view.prog):
            with view.problems.noting(f"klp relocations of klp_patch {patch.value_():#x}"):
                name = module_name(patch.mod)
                for one in for_each_klp_relocation(patch.mod):
                    if _as_compiled(view, one):
                        yield _Unresolved(name, one, one.object in loaded)


def _as_compiled(view: KernelView, relocation: KlpRelocation) -> bool:
    """Tell whether a place is unchanged, of the two types where that can be told."""
    if relocation.type == R_PPC64_ADDR64:
        return bool(view.prog.read_u64(relocation.place) == 0)
    if relocation.type == R_PPC64_REL24:
        (word,) = struct.unpack("<I", view.prog.read(relocation.place, 4))
        return not word & _REL24_MASK
    return False
