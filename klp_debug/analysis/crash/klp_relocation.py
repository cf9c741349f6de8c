# SPDX-License-Identifier: GPL-2.0-or-later
"""A replacement that used a symbol which livepatch had not filled in."""

from klp_debug.analysis.audit.relocations import unresolved_relocations
from klp_debug.analysis.catalogue import KLP_RELOCATION_UNRESOLVED
from klp_debug.analysis.crash.crash import CrashScene
from klp_debug.elf.format import R_PPC64_ADDR64
from klp_debug.result.report import Verdict
from klp_debug.result.unknown import Unknown, first_unknown, known


def judge(scene: CrashScene) -> Verdict | Unknown | None:
    """Return the verdict if a replacement used such a place; None if none did."""
    registers, trace = scene.registers, scene.trace
    if isinstance(registers, Unknown) or isinstance(trace, Unknown):
        return first_unknown((registers, trace))
    if int(registers.nip) != 0:
        return None
    frames = trace.frames[:3]
    by = next((f for f in known(frames) if f.role == "replacement" and not f.inlined), None)
    if by is None:
        return first_unknown((*frames, *(frame.role for frame in known(frames))))
    unresolved = list(unresolved_relocations(scene.view))
    of_patch = [
        place
        for place in known(unresolved)
        if place.module == by.patch and place.relocation.type == R_PPC64_ADDR64
    ]
    if not of_patch:
        return first_unknown(unresolved)
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
            *(place.evidence for place in of_patch),
        ),
        why=(
            "livepatch applies .klp.rela.OBJECT.SECTION when OBJECT is loaded and patched. A"
            " replacement of another object's function can run before."
        ),
        now=KLP_RELOCATION_UNRESOLVED.action,
    )
