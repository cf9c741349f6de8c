# SPDX-License-Identifier: GPL-2.0-or-later
"""A crash with the r15 that ftrace_caller left: CVE-2025-38233."""

from klp_debug.analysis.audit.trampolines import trampoline_findings
from klp_debug.analysis.catalogue import R15_CLOBBERED
from klp_debug.analysis.crash.crash import CrashScene
from klp_debug.analysis.patches.func_stacks import FuncStacks
from klp_debug.analysis.view.find_site import site_of_call
from klp_debug.kernel.livepatch import klp_func_patch, klp_patch_name
from klp_debug.result.report import Verdict
from klp_debug.result.unknown import Unknown, first_unknown

_WHY = (
    'Linux 6.13 to 6.15.3 have it; mended by "powerpc64/ftrace: fix clobbered r15 during'
    ' livepatching" (cb5b691f8273, in v6.16; CVE-2025-38233).'
)


def judge(scene: CrashScene) -> Verdict | Unknown | None:
    """Return the verdict if r15 is what such a kernel leaves in it; None if it is not."""
    view, registers = scene.view, scene.registers
    if isinstance(registers, Unknown):
        return registers
    # r15 is looked at first: it needs less of the target than the trampoline.
    index = site_of_call(view, int(registers.gpr[15]))
    if index is None or isinstance(index, Unknown):
        return index
    symbol = view.symbols.covering(view.records[index].ip)
    if symbol is None or isinstance(symbol, Unknown):
        return symbol
    stack = view.once(FuncStacks).of_function(symbol.address)
    found = next(trampoline_findings(view), None)
    if found is None or isinstance(found, Unknown) or stack is None or isinstance(stack, Unknown):
        return None if found is None or stack is None else first_unknown((found, stack))
    patch = view.problems.attempt(
        f"klp_ops {stack.ops.value_():#x}",
        lambda func: klp_patch_name(klp_func_patch(func)),
        stack.funcs[0],
    )
    if isinstance(patch, Unknown):
        patch = "a patch whose name is unknown"
    name = symbol.label
    at = view.symbols.label(int(registers.nip))
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
