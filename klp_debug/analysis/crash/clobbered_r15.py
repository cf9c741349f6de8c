# SPDX-License-Identifier: GPL-2.0-or-later
"""A crash with the r15 that ftrace_caller left: CVE-2025-38233."""

from klp_debug.analysis.audit.trampolines import trampoline_findings
from klp_debug.analysis.catalogue import R15_CLOBBERED
from klp_debug.analysis.crash.crash import CrashScene
from klp_debug.analysis.patches.func_stacks import FuncStacks
from klp_debug.analysis.view.find_site import site_of_call
from klp_debug.kernel.livepatch import klp_func_patch, klp_patch_name
from klp_debug.result.report import Verdict

_WHY = (
    'Linux 6.13 to 6.15.3 have it; mended by "powerpc64/ftrace: fix clobbered r15 during'
    ' livepatching" (cb5b691f8273, in v6.16; CVE-2025-38233).'
)


def judge(scene: CrashScene) -> Verdict | None:
    """Return the verdict if r15 is what such a kernel leaves in it; None if it is not."""
    view, registers = scene.view, scene.registers
    found = next(trampoline_findings(view), None)
    if registers is None or found is None:
        return None
    index = site_of_call(view, int(registers.gpr[15]))
    symbol = view.symbols.covering(view.records[index].ip) if index is not None else None
    stack = FuncStacks(view).of_function(symbol.address) if symbol is not None else None
    if symbol is None or stack is None:
        return None
    patch = "a patch"
    with view.problems.noting(f"klp_ops {stack.ops.value_():#x}"):
        patch = klp_patch_name(klp_func_patch(stack.funcs[0]))
    name = symbol.label
    at = view.symbols.format(int(registers.nip)) or "no symbol"
    dar = f", DAR = {registers.dar}" if registers.dar is not None else ""
    return Verdict(
        blame="caused",
        id=R15_CLOBBERED.id,
        what=(
            "Live patching caused this crash.",
            f"A call of {name}, which {patch} replaces, cost its caller r15: ftrace_caller left its"
            " own value there.",
        ),
        proof=(
            f"r15 = {registers.gpr[15]}: the return address into the out-of-line stub of {name}",
            f"ftrace_caller {found.evidence}",
            f"NIP = {registers.nip} ({at}){dar}",
        ),
        why=_WHY,
        now=R15_CLOBBERED.action,
    )
