# SPDX-License-Identifier: GPL-2.0-or-later
"""The audit of replacements: whether each klp_func names a function's global entry point."""

from collections.abc import Iterator

from drgn import Object

from klp_debug.analysis.audit.unchecked import unchecked
from klp_debug.analysis.catalogue import REPLACEMENT_WRONG_ENTRY
from klp_debug.analysis.patches.func_stacks import FuncStack, FuncStacks
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.kernel.livepatch import klp_func_nop, klp_func_patch, klp_patch_name
from klp_debug.kernel.symbols import KernelSymbol
from klp_debug.result.address import Address
from klp_debug.result.common import Finding
from klp_debug.result.unknown import Unknown


def entry_findings(view: KernelView) -> Iterator[Finding | Unknown]:
    """Iterate over a finding for each klp_func that names no global entry point."""
    for found in entered_elsewhere(view):
        if isinstance(found, Unknown):
            yield found
            continue
        stack, func = found
        where = f"klp_func {func.value_():#x}"
        evidence = view.problems.attempt(where, entry_evidence, view, func)
        if isinstance(evidence, Unknown):
            yield evidence
        else:
            yield REPLACEMENT_WRONG_ENTRY.on(view.symbols.label(stack.old_func), evidence)


def entered_elsewhere(view: KernelView) -> Iterator[tuple[FuncStack, Object] | Unknown]:
    """
    Iterate over each ``struct klp_func *`` whose new_func is not the beginning of a function.

    One of which that cannot be told is ``Unknown``, and a problem of the view.
    """
    if not view.has_livepatch:
        return
    stacks = view.once(FuncStacks).all
    for stack in stacks:
        for func in stack.funcs:
            where = f"klp_func {func.value_():#x}"
            astray = view.problems.attempt(where, _enters_elsewhere, view, func)
            if isinstance(astray, Unknown):
                yield astray
            elif astray:
                yield stack, func
        if stack.missing is not None:
            yield stack.missing
    if stacks.missing is not None:
        yield stacks.missing


def _enters_elsewhere(view: KernelView, func: Object) -> bool | Unknown:
    new_func = func.new_func.value_()
    if klp_func_nop(func):
        return False
    symbol = view.symbols.covering(new_func)
    if isinstance(symbol, KernelSymbol):
        return not symbol.is_function or symbol.address != new_func
    return True if symbol is None else unchecked(f"klp_func {func.value_():#x}", symbol)


def entry_evidence(view: KernelView, func: Object) -> str:
    """
    Return what a klp_func names instead.

    :param func: ``struct klp_func *``
    :raises drgn.FaultError: if it, or its patch's name, cannot be read
    """
    new_func = func.new_func.value_()
    patch = klp_patch_name(klp_func_patch(func))
    named = view.symbols.format(new_func)
    if not isinstance(named, str):
        named = "in no symbol" if named is None else "in a symbol that is unknown"
    return (
        f"new_func of {patch}'s klp_func at {Address(func.value_())} is {Address(new_func)},"
        f" {named}"
    )
