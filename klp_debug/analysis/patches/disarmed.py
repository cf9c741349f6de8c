# SPDX-License-Identifier: GPL-2.0-or-later
"""
Functions that a debugger holds disarmed, recognised from the kernel's memory alone.

Nothing in the kernel makes any of these states, so that each tells of a write from outside; a user
who has not the journal of the one who wrote sees it as well.
"""

from collections.abc import Iterator

from drgn import Object

from klp_debug.analysis.patches.func_stacks import FuncStack
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.kernel.ftrace import FtraceRecord
from klp_debug.kernel.ftrace_ops import ftrace_ops_filter
from klp_debug.kernel.ftrace_symbols import FTRACE_STUB
from klp_debug.kernel.livepatch import klp_func_nop, klp_func_patch, klp_patch_name
from klp_debug.ppc64le.instruction import NOP
from klp_debug.result.list import Mechanism
from klp_debug.result.unknown import Unknown


def stack_disarmed_by(view: KernelView, stack: FuncStack) -> Mechanism | Unknown | None:
    """
    Return how all of a func_stack is held disarmed, so that the original runs; None if it is not.

    :raises WalkError, drgn.FaultError: if its ftrace_ops or the site cannot be read
    """
    if stack.ops.fops.func.value_() == ftrace_stub(view):
        return "ops"
    if not stack.ops.fops.flags.value_() & view.ops_flags["ENABLED"]:
        return None
    # Once it is enabled, ftrace has armed the one site in its filter, which is the function's own.
    for record in _idle_sites(view, stack):
        if isinstance(record, Unknown) or record.flags & view.record_flags["ENABLED"]:
            return record if isinstance(record, Unknown) else "site"
    return None


def stack_idle_by_kernel(view: KernelView, stack: FuncStack) -> bool | Unknown:
    """
    Return whether ftrace itself holds the site of a func_stack idle, so that the original runs.

    ``kernel.ftrace_enabled`` = 0 does that (``ftrace_shutdown_sysctl()``): it takes ENABLED out of
    the records as well, which nobody does who writes a site from outside. Since Linux kernel commit
    7162431dcf72 ("ftrace: Introduce PERMANENT ftrace_ops flag") (in v5.5) it is refused while a
    live patch is enabled.

    :raises WalkError, drgn.FaultError: if its ftrace_ops or the site cannot be read
    """
    if not stack.ops.fops.flags.value_() & view.ops_flags["ENABLED"]:
        return False
    for record in _idle_sites(view, stack):
        if isinstance(record, Unknown):
            return record
        if not record.flags & view.record_flags["ENABLED"]:
            return True
    return False


def _idle_sites(view: KernelView, stack: FuncStack) -> Iterator[FtraceRecord | Unknown]:
    """Iterate over the records of the function's sites that hold a nop."""
    function = view.symbols.covering(stack.old_func)
    if function is None:
        return
    if isinstance(function, Unknown):
        yield function
        return
    for ip in ftrace_ops_filter(stack.ops.fops).filter:
        if view.symbols.known_at(ip) == function and view.words(ip, 1)[0] == NOP:
            record = view.record_of(function)
            if record is not None:
                yield record


def entry_disarmed_by(
    view: KernelView, stack: FuncStack, position: int
) -> Mechanism | Unknown | None:
    """
    Return how one entry of a func_stack is held disarmed; None if it is not.

    :param position: 0 = top
    :raises drgn.FaultError: if it cannot be read
    """
    func = stack.funcs[position]
    new_func = func.new_func.value_()
    if klp_func_nop(func):
        # The nop of an atomic replace has the original as its new_func (klp_init_object_loaded()).
        return "nop" if new_func != stack.old_func else None
    redirected = redirected_to(view, stack, position)
    if redirected is None or isinstance(redirected, Unknown):
        return redirected
    return "redirect"


def disarmed_by(view: KernelView, stack: FuncStack, position: int) -> Mechanism | Unknown | None:
    """
    Return how an entry of a func_stack is held disarmed; None if it is not.

    What disarms the whole stack is told of its top.

    :raises WalkError, drgn.FaultError: if what tells it cannot be read
    """
    whole = stack_disarmed_by(view, stack) if position == 0 else None
    entry = entry_disarmed_by(view, stack, position) if not isinstance(whole, str) else None
    return entry if whole is None or isinstance(entry, str) else whole


def redirected_to(view: KernelView, stack: FuncStack, position: int) -> Object | Unknown | None:
    """
    Return the ``struct klp_func *`` below one whose replacement it runs; None if there is none.

    :raises drgn.FaultError: if a func cannot be read
    """
    func = stack.funcs[position]
    new_func = func.new_func.value_()
    for below in stack.funcs[position + 1 :]:
        if not klp_func_nop(below) and below.new_func.value_() == new_func:
            return below
    if stack.missing is None:
        return None
    # A replacement in its patch's own module is that patch's own.
    symbol = view.symbols.known_at(new_func)
    if symbol is not None and symbol.module == klp_patch_name(klp_func_patch(func)):
        return None
    return stack.missing


def ftrace_stub(view: KernelView) -> int | None:
    """Return the address of ``ftrace_stub``, which does nothing; None if the kernel has none."""
    found = view.symbols.named(FTRACE_STUB, "vmlinux")
    return found[0].address if found else None
