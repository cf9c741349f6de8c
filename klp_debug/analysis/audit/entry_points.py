# SPDX-License-Identifier: GPL-2.0-or-later
"""The audit of replacements: whether each klp_func names a function's global entry point."""

from collections.abc import Iterator

from drgn import Object

from klp_debug.analysis.catalogue import REPLACEMENT_WRONG_ENTRY
from klp_debug.analysis.patches.func_stacks import FuncStack, FuncStacks
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.kernel.livepatch import klp_func_nop, klp_func_patch, klp_patch_name
from klp_debug.result.address import Address
from klp_debug.result.common import Finding


def entry_findings(view: KernelView) -> Iterator[Finding]:
    """Iterate over a finding for each klp_func that names no global entry point."""
    for stack, func in entered_elsewhere(view):
        original = view.symbols.format(stack.old_func) or str(Address(stack.old_func))
        yield REPLACEMENT_WRONG_ENTRY.on(original, entry_evidence(view, func))


def entered_elsewhere(view: KernelView) -> Iterator[tuple[FuncStack, Object]]:
    """
    Iterate over each ``struct klp_func *`` whose new_func is not the beginning of a function.

    What cannot be read becomes a problem of the view.
    """
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


def entry_evidence(view: KernelView, func: Object) -> str:
    """
    Return what a klp_func names instead.

    :param func: ``struct klp_func *``
    :raises drgn.FaultError: if it, or its patch's name, cannot be read
    """
    new_func = func.new_func.value_()
    patch = klp_patch_name(klp_func_patch(func))
    named = view.symbols.format(new_func) or "in no symbol"
    return (
        f"new_func of {patch}'s klp_func at {Address(func.value_())} is {Address(new_func)},"
        f" {named}"
    )
