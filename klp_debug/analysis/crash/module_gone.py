# SPDX-License-Identifier: GPL-2.0-or-later
"""A crash of livepatch itself on a func_stack whose patch's module was removed."""

from klp_debug.analysis.audit.modules_gone import gone_findings
from klp_debug.analysis.catalogue import PATCH_MODULE_GONE
from klp_debug.analysis.crash.crash import CrashScene
from klp_debug.kernel.ftrace_symbols import KLP_FTRACE_HANDLER
from klp_debug.result.report import Verdict
from klp_debug.result.unknown import Unknown, first_unknown, known


def judge(scene: CrashScene) -> Verdict | Unknown | None:
    """Return the verdict if the crash was on such a func_stack; None if it was not."""
    registers = scene.registers
    judged = list(gone_findings(scene.view))
    findings = known(judged)
    if isinstance(registers, Unknown):
        return registers
    symbol = scene.view.symbols.known_at(int(registers.nip))
    in_handler = symbol is not None and symbol.name == KLP_FTRACE_HANDLER
    if not in_handler and scene.wild is not True:
        return scene.wild if isinstance(scene.wild, Unknown) else None
    if not findings:
        return first_unknown(judged)
    where = scene.view.symbols.label(int(registers.nip)) if in_handler else "where no text is"
    dar = f", DAR = {registers.dar}" if registers.dar is not None else ""
    return Verdict(
        blame="caused",
        id=PATCH_MODULE_GONE.id,
        what=(
            "Live patching caused this crash.",
            "The module of a patch was removed while a function still led to it.",
        ),
        proof=(
            f"NIP = {registers.nip}, {where}{dar}",
            *(f"{finding.subject}: {finding.evidence}" for finding in findings),
        ),
        now=PATCH_MODULE_GONE.action,
    )
