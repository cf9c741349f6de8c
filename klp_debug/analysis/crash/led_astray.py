# SPDX-License-Identifier: GPL-2.0-or-later
"""A crash where no text is, that the code of a live patch led to."""

from klp_debug.analysis.catalogue import PATCH_WENT_ASTRAY
from klp_debug.analysis.crash.crash import CrashScene
from klp_debug.kernel.module import module_is_livepatch
from klp_debug.result.bt import LivepatchEntryResult
from klp_debug.result.registers import Registers
from klp_debug.result.report import Verdict
from klp_debug.result.unknown import Unknown, first_unknown, known


def led_astray(scene: CrashScene) -> Verdict | Unknown | None:
    """Return the verdict if a patch's code branched there, or a replacement was running."""
    registers, wild, trace = scene.registers, scene.wild, scene.trace
    if isinstance(registers, Unknown) or isinstance(wild, Unknown) or not wild:
        return first_unknown((registers, wild))
    if isinstance(trace, Unknown):
        return trace
    made_by = _patch_at(scene, registers)
    entries = known(trace.livepatch_stack)
    if isinstance(made_by, Unknown):
        return made_by
    if made_by is not None or entries:
        return _verdict(registers, entries, made_by)
    return first_unknown(trace.livepatch_stack)


def _patch_at(scene: CrashScene, registers: Registers) -> str | Unknown | None:
    """Return where in a live patch's code the branch was made; None if it was made elsewhere."""
    view = scene.view
    if registers.cfar is None:
        return None
    symbol = view.symbols.covering(int(registers.cfar))
    if symbol is None or isinstance(symbol, Unknown) or symbol.module is None:
        return symbol if isinstance(symbol, Unknown) else None
    module = view.module_of(symbol.module)
    if module is None or isinstance(module, Unknown):
        return module
    where = f"module {symbol.module}"
    livepatch = view.problems.attempt(where, module_is_livepatch, module)
    if isinstance(livepatch, Unknown):
        return livepatch
    return view.symbols.label(int(registers.cfar)) if livepatch else None


def _verdict(
    registers: Registers, entries: tuple[LivepatchEntryResult, ...], made_by: str | None
) -> Verdict:
    nowhere = f"{registers.nip}, where no text is"
    if made_by is not None:
        what = (
            "Live patching caused this crash.",
            f"The code of a live patch, at {made_by}, branched to {nowhere}.",
        )
    else:
        what = (
            "Live patching is involved in this crash.",
            f"The CPU went to {nowhere}, while a replacement was running.",
        )
    proof = [f"NIP = {registers.nip}, LR = {registers.link}"]
    if registers.cfar is not None:
        at = f", in {made_by}" if made_by is not None else ""
        proof.append(f"CFAR = {registers.cfar}: there the branch was made{at}")
    if entries:
        returns_to = entries[0].lr_symbol
        proof.append(
            "the livepatch stack still has the call of a patched function, which returns to"
            f" {returns_to if isinstance(returns_to, str) else entries[0].lr}"
        )
    return Verdict(
        blame="involved" if made_by is None else "caused",
        id=PATCH_WENT_ASTRAY.id,
        what=what,
        proof=tuple(proof),
        now=PATCH_WENT_ASTRAY.action,
    )
