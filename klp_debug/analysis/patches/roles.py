# SPDX-License-Identifier: GPL-2.0-or-later
"""Which functions livepatch has to do with: what it replaces, and what it replaces them with."""

from dataclasses import dataclass

from klp_debug.analysis.patches.func_stacks import FuncStack, FuncStacks
from klp_debug.analysis.patches.retired import RetiredModule, retired_modules
from klp_debug.analysis.patches.second_witness import (
    may_be_original,
    may_be_patch,
    may_be_replacement,
)
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.analysis.view.walked import Walked
from klp_debug.kernel.livepatch import klp_func_nop, klp_func_patch, klp_patch_name
from klp_debug.result.bt import Role
from klp_debug.result.unknown import Unknown, first_unknown


@dataclass(frozen=True, slots=True)
class PatchedRole:
    """What livepatch has to do with a function."""

    role: Role
    patch: str
    """The patch that the function is of; of an original, that on top of its func_stack."""


class PatchedFunctions:
    """Every function on a func_stack, original and replacements, by its global entry point."""

    def __init__(self, view: KernelView) -> None:
        """Walk the func_stacks; what cannot be read becomes a problem of the view."""
        self._view = view
        self._roles: dict[int, PatchedRole] = {}
        self._missing: Unknown | None = None
        self._retired: Walked[RetiredModule] = Walked((), None)
        if not view.has_livepatch:
            return
        stacks = view.once(FuncStacks).all
        missing: list[object] = [stacks.missing]
        for stack in stacks:
            where = f"klp_ops {stack.ops.value_():#x}"
            missing += [stack.missing, view.problems.attempt(where, self._add, stack)]
        self._missing = first_unknown(missing)
        self._retired = retired_modules(view)

    def _add(self, stack: FuncStack) -> None:
        top = klp_patch_name(klp_func_patch(stack.funcs[0]))
        self._roles[stack.old_func] = PatchedRole("original", top)
        for func in stack.funcs:
            if not klp_func_nop(func):
                patch = klp_patch_name(klp_func_patch(func))
                self._roles[func.new_func.value_()] = PatchedRole("replacement", patch)

    def role_at(self, address: int) -> PatchedRole | Unknown | None:
        """Return what livepatch has to do with the function around an address; None if nothing."""
        symbol = self._view.symbols.covering(address)
        if symbol is None or isinstance(symbol, Unknown):
            return symbol
        role = self._roles.get(symbol.address, self._missing)
        if role is None:
            return self._retired_role(symbol.module)
        if not isinstance(role, Unknown):
            return role
        possible = may_be_original(self._view, symbol) or may_be_replacement(self._view, symbol)
        return role if possible else None

    def _retired_role(self, module: str | None) -> PatchedRole | Unknown | None:
        """Return the role of what no func_stack has, by the module that it is in."""
        if module is None:
            return None
        if any(retired.name == module for retired in self._retired):
            return PatchedRole("retired", module)
        if self._retired.missing is None or not may_be_patch(self._view, module):
            return None
        return self._retired.missing
