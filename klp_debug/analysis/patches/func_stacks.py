# SPDX-License-Identifier: GPL-2.0-or-later
"""The func_stack of every live-patched function: who is on top of whom."""

from dataclasses import dataclass

from drgn import Object

from klp_debug.analysis.patches.second_witness import may_be_original
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.analysis.view.walked import Walked
from klp_debug.kernel.livepatch import (
    for_each_klp_ops,
    for_each_stacked_klp_func,
    klp_func_old_address,
)
from klp_debug.result.unknown import Unknown, first_unknown


@dataclass(frozen=True, slots=True)
class FuncStack:
    """One ``struct klp_ops`` and what is on its func_stack."""

    ops: Object
    """``struct klp_ops *``."""
    funcs: tuple[Object, ...]
    """``struct klp_func *`` each, top first; one at least."""
    missing: Unknown | None
    """Why there may be more below them; None if these are all."""
    old_func: int
    """Global entry point of the function that they replace."""

    def position(self, func: Object) -> int | None:
        """Return a func's place, 0 = top; None if it is not among those that were read."""
        addresses = [entry.value_() for entry in self.funcs]
        return addresses.index(func.value_()) if func.value_() in addresses else None


class FuncStacks:
    """
    All of a kernel's func_stacks.

    >>> for stack in FuncStacks(view).all:
    ...     print(view.symbols.label(stack.old_func), [hex(func.new_func) for func in stack.funcs])
    cmdline_proc_show ['0xc008000000320008', '0xc0080000002d0008']
    int_to_scsilun [scsi_common] ['0xc008000000230000']
    """

    def __init__(self, view: KernelView) -> None:
        """Walk ``klp_ops``; what cannot be walked becomes a problem of the view."""
        self._view = view
        self._by_func: dict[int, FuncStack] = {}
        self._by_old_func: dict[int, FuncStack] = {}
        listed = for_each_klp_ops(view.prog) if view.has_livepatch else ()
        walked = view.problems.walk("list klp_ops", listed)
        self._missing = walked.missing
        for ops in walked:
            self._add(ops)
        try:
            self.handler: int | None = view.prog.function("klp_ftrace_handler").address_
        except LookupError:
            self.handler = None

    def _add(self, ops: Object) -> None:
        where = f"func_stack of klp_ops {ops.value_():#x}"
        funcs = self._view.problems.walk(where, for_each_stacked_klp_func(ops))
        missing = funcs.missing
        if funcs.items:
            old_func = self._view.problems.attempt(where, klp_func_old_address, funcs.items[0])
            if not isinstance(old_func, Unknown):
                stack = FuncStack(ops, funcs.items, missing, old_func)
                self._by_old_func[old_func] = stack
                for func in funcs:
                    self._by_func[func.value_()] = stack
                return
            missing = old_func
        self._missing = first_unknown((self._missing, missing))

    @property
    def all(self) -> Walked[FuncStack]:
        """Every stack whose function is known; missing are those of which it is not."""
        return Walked(tuple(self._by_old_func.values()), self._missing)

    def of_func(self, func: Object) -> FuncStack | Unknown | None:
        """
        Return the stack that a func is on; None if it is on none.

        :param func: ``struct klp_func *``
        """
        shortened = (stack.missing for stack in self._by_old_func.values())
        missing = first_unknown((self._missing, *shortened))
        return self._by_func.get(func.value_(), missing)

    def of_function(self, address: int) -> FuncStack | Unknown | None:
        """Return the stack of the function with that global entry point; None if it has none."""
        stack = self._by_old_func.get(address, self._missing)
        if not isinstance(stack, Unknown):
            return stack
        symbol = self._view.symbols.known_at(address)
        return stack if symbol is None or may_be_original(self._view, symbol) else None

    def calls_handler(self, stack: FuncStack) -> bool:
        """
        Return whether the stack's ftrace_ops calls ``klp_ftrace_handler``.

        If it does not, something else than livepatch changed it, and originals run.

        :raises drgn.FaultError: if the ops cannot be read
        """
        return self.handler is None or stack.ops.fops.func.value_() == self.handler
