# SPDX-License-Identifier: GPL-2.0-or-later
"""The func_stack of every live-patched function: who is on top of whom."""

from collections.abc import Iterable
from dataclasses import dataclass

from drgn import Object

from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.kernel.livepatch import for_each_klp_ops, klp_func_old_address, klp_func_stack


@dataclass(frozen=True, slots=True)
class FuncStack:
    """One ``struct klp_ops`` and what is on its func_stack."""

    ops: Object
    """``struct klp_ops *``."""
    funcs: tuple[Object, ...]
    """``struct klp_func *`` each, top first."""
    old_func: int
    """Global entry point of the function that they replace."""

    def position(self, func: Object) -> int | None:
        """Return a func's place, 0 = top; None if it is not on this stack."""
        addresses = [entry.value_() for entry in self.funcs]
        return addresses.index(func.value_()) if func.value_() in addresses else None


class FuncStacks:
    """
    All of a kernel's func_stacks.

    >>> for stack in FuncStacks(view).all():
    ...     print(view.symbols.format(stack.old_func), [hex(func.new_func) for func in stack.funcs])
    cmdline_proc_show ['0xc008000000320008', '0xc0080000002d0008']
    int_to_scsilun [scsi_common] ['0xc008000000230000']
    """

    def __init__(self, view: KernelView) -> None:
        """Walk ``klp_ops``; what cannot be walked becomes a problem of the view."""
        self._by_func: dict[int, FuncStack] = {}
        self._by_old_func: dict[int, FuncStack] = {}
        with view.problems.noting("list klp_ops"):
            for ops in for_each_klp_ops(view.prog):
                with view.problems.noting(f"func_stack of klp_ops {ops.value_():#x}"):
                    self._add(ops, klp_func_stack(ops))
        try:
            self.handler: int | None = view.prog.function("klp_ftrace_handler").address_
        except LookupError:
            self.handler = None

    def _add(self, ops: Object, funcs: Iterable[Object]) -> None:
        funcs = tuple(funcs)
        if not funcs:
            return
        stack = FuncStack(ops, funcs, klp_func_old_address(funcs[0]))
        self._by_old_func[stack.old_func] = stack
        for func in funcs:
            self._by_func[func.value_()] = stack

    def all(self) -> Iterable[FuncStack]:
        """Return every stack."""
        return self._by_old_func.values()

    def of_func(self, func: Object) -> FuncStack | None:
        """
        Return the stack that a func is on.

        :param func: ``struct klp_func *``
        """
        return self._by_func.get(func.value_())

    def of_function(self, address: int) -> FuncStack | None:
        """Return the stack of the function with that global entry point."""
        return self._by_old_func.get(address)

    def calls_handler(self, stack: FuncStack) -> bool:
        """
        Return whether the stack's ftrace_ops calls ``klp_ftrace_handler``.

        If it does not, something else than livepatch changed it, and originals run.
        """
        return self.handler is None or stack.ops.fops.func.value_() == self.handler
