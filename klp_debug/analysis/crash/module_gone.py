# SPDX-License-Identifier: GPL-2.0-or-later
"""A crash of livepatch itself on a func_stack whose patch's module was removed."""

from klp_debug.analysis.audit.modules_gone import gone_findings
from klp_debug.analysis.catalogue import PATCH_MODULE_GONE
from klp_debug.analysis.crash.crash import CrashScene
from klp_debug.kernel.ftrace_symbols import KLP_FTRACE_HANDLER
from klp_debug.result.report import Verdict


def judge(scene: CrashScene) -> Verdict | None:
    """Return the verdict if the crash was on such a func_stack; None if it was not."""
    registers = scene.registers
    findings = list(gone_findings(scene.view))
    if registers is None or not findings:
        return None
    symbol = scene.view.symbols.covering(int(registers.nip))
    in_handler = symbol is not None and symbol.name == KLP_FTRACE_HANDLER
    if not in_handler and not scene.wild:
        return None
    where = scene.view.symbols.format(int(registers.nip)) or "where no text is"
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
