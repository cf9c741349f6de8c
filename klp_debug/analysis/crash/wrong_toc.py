# SPDX-License-Identifier: GPL-2.0-or-later
"""The crash of a replacement that was entered behind its TOC set-up."""

from klp_debug.analysis.audit.entry_points import entered_elsewhere, entry_evidence
from klp_debug.analysis.catalogue import REPLACEMENT_WRONG_TOC
from klp_debug.analysis.crash.crash import CrashScene
from klp_debug.analysis.view.toc import toc_of, whose_toc
from klp_debug.result.address import Address
from klp_debug.result.report import Verdict


def judge(scene: CrashScene) -> Verdict | None:
    """Return the verdict if a replacement ran with a wrong TOC; None if none did."""
    view, registers, replacement = scene.view, scene.registers, scene.function_with_toc
    if registers is None or replacement is None:
        return None
    r2, right = int(registers.gpr[2]), toc_of(view, replacement.module)
    if right is None or r2 == right:
        return None
    for stack, func in entered_elsewhere(view):
        new_func = func.new_func.value_()
        if view.symbols.covering(new_func) != replacement:
            continue
        name = replacement.label
        original = view.symbols.format(stack.old_func)
        return Verdict(
            blame="caused",
            id=REPLACEMENT_WRONG_TOC.id,
            what=(
                "Live patching caused this crash.",
                f"{name}, which replaces {original or Address(stack.old_func)}, ran with a wrong"
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
    return None
