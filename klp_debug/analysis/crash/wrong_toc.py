# SPDX-License-Identifier: GPL-2.0-or-later
"""The crash of a replacement that was entered behind its TOC set-up."""

from collections.abc import Iterator

from drgn import Object

from klp_debug.analysis.catalogue import REPLACEMENT_WRONG_ENTRY, REPLACEMENT_WRONG_TOC
from klp_debug.analysis.crash.crash import CrashScene
from klp_debug.analysis.patches.func_stacks import FuncStack, FuncStacks
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.analysis.view.toc import toc_of, whose_toc
from klp_debug.kernel.livepatch import klp_func_nop, klp_func_patch, klp_patch_name
from klp_debug.result.address import Address
from klp_debug.result.finding import Finding
from klp_debug.result.report import Verdict


def judge(scene: CrashScene) -> Verdict | None:
    """Return the verdict if a replacement ran with a wrong TOC; None if none did."""
    view, registers, replacement = scene.view, scene.registers, scene.function_with_toc
    if registers is None or replacement is None:
        return None
    r2, right = int(registers.gpr[2]), toc_of(view, replacement.module)
    if right is None or r2 == right:
        return None
    for stack, func in _entered_elsewhere(view):
        new_func = func.new_func.value_()
        if view.symbols.covering(new_func) != replacement:
            continue
        name = f"{replacement.name} [{replacement.module}]"
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
                _evidence(view, func),
                f"NIP = {registers.nip}, CTR = {registers.ctr}, LR = {registers.link}",
            ),
            why=None,
            now=REPLACEMENT_WRONG_TOC.action,
            checked=(),
        )
    return None


def entry_findings(view: KernelView) -> Iterator[Finding]:
    """Iterate over a finding for each klp_func that names no global entry point."""
    for stack, func in _entered_elsewhere(view):
        original = view.symbols.format(stack.old_func) or str(Address(stack.old_func))
        yield REPLACEMENT_WRONG_ENTRY.on(original, _evidence(view, func))


def _entered_elsewhere(view: KernelView) -> Iterator[tuple[FuncStack, Object]]:
    if not view.has_livepatch:
        return
    for stack in FuncStacks(view).all():
        with view.problems.noting(f"func_stack of klp_ops {stack.ops.value_():#x}"):
            for func in stack.funcs:
                symbol = view.symbols.covering(func.new_func.value_())
                if klp_func_nop(func) or (
                    symbol is not None
                    and symbol.is_function
                    and symbol.address == func.new_func.value_()
                ):
                    continue
                yield stack, func


def _evidence(view: KernelView, func: Object) -> str:
    new_func = func.new_func.value_()
    patch = klp_patch_name(klp_func_patch(func))
    named = view.symbols.format(new_func) or "in no symbol"
    return (
        f"new_func of {patch}'s klp_func at {Address(func.value_())} is {Address(new_func)},"
        f" {named}"
    )
