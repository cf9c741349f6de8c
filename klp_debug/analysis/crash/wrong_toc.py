# SPDX-License-Identifier: GPL-2.0-or-later
"""The crash of a replacement that was entered behind its TOC set-up."""

from klp_debug.analysis.audit.entry_points import entered_elsewhere, entry_evidence
from klp_debug.analysis.catalogue import REPLACEMENT_WRONG_TOC
from klp_debug.analysis.crash.crash import CrashScene
from klp_debug.analysis.view.toc import toc_of, whose_toc
from klp_debug.result.address import Address
from klp_debug.result.report import Verdict
from klp_debug.result.unknown import Unknown, first_unknown


def judge(scene: CrashScene) -> Verdict | Unknown | None:
    """Return the verdict if a replacement ran with a wrong TOC; None if none did."""
    view, registers, replacement = scene.view, scene.registers, scene.function_with_toc
    if isinstance(registers, Unknown) or isinstance(replacement, Unknown) or replacement is None:
        return first_unknown((registers, replacement))
    r2, right = int(registers.gpr[2]), toc_of(view, replacement.module)
    if right is None or isinstance(right, Unknown) or r2 == right:
        return right if isinstance(right, Unknown) else None
    missing: Unknown | None = None
    for found in entered_elsewhere(view):
        if isinstance(found, Unknown):
            missing = found
            continue
        stack, func = found
        new_func = func.new_func.value_()
        if view.symbols.covering(new_func) != replacement:
            continue
        name = replacement.label
        return Verdict(
            blame="caused",
            id=REPLACEMENT_WRONG_TOC.id,
            what=(
                "Live patching caused this crash.",
                f"{name}, which replaces {view.symbols.label(stack.old_func)}, ran with a wrong"
                f" TOC: {whose_toc(view, r2)}.",
                "Its klp_func does not name its global entry point, where it would set its own up.",
            ),
            proof=(
                f"r2 = {Address(r2)}: {whose_toc(view, r2)}; {name} needs {Address(right)}",
                f"its global entry point is {Address(replacement.address)}",
                entry_evidence(view, func),
                f"NIP = {registers.nip}, CTR = {registers.ctr}, LR = {registers.link}",
            ),
            now=REPLACEMENT_WRONG_TOC.action,
        )
    return missing
