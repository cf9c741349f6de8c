# SPDX-License-Identifier: GPL-2.0-or-later
"""
How a function is disarmed: the one write of each mechanism, or why it cannot be done here.

What a mechanism relies on is looked at in the target, not guessed from its version: ``ops`` needs
that the trampoline loads ``fops.func`` at each call, which it does where ftrace calls all ops of
its list, or the site's own ops (CALL_OPS); ``nop`` needs the member; ``site`` a stub that writes
text.
"""

from collections.abc import Callable

from klp_debug.analysis.patches.disarmed import ftrace_stub
from klp_debug.control.patch_function import PatchFunction
from klp_debug.kernel.ftrace_ops import for_each_ftrace_ops, ftrace_ops_filter
from klp_debug.kernel.ftrace_symbols import CALL_LABELS
from klp_debug.kernel.livepatch import klp_func_nop
from klp_debug.ppc64le.entry import local_entry_offset
from klp_debug.ppc64le.instruction import NOP, branch_target
from klp_debug.result.address import Address
from klp_debug.result.control import PlannedWrite
from klp_debug.result.list import Mechanism
from klp_debug.result.unknown import Unknown
from klp_debug.targets.writable import StubVendor

NOTES: dict[Mechanism, str] = {
    "ops": "Patches that are loaded on these functions meanwhile do not run either.",
    "redirect": "Arm it again before the next transition: that looks for the wrong function on the"
    " stacks.",
    "nop": "Arm it again before the patch is disabled, or its object unloaded: the kernel would"
    " free what it never allocated.",
    "site": "Arm it again before any tracer or patch on these functions changes: ftrace would find"
    " another word than its own, and shut itself off until reboot.",
}
"""What holds while a function is disarmed that way."""


class MechanismError(Exception):
    """A mechanism that cannot be used here; the message is the reason, one clause."""


def default_mechanism(function: PatchFunction) -> Mechanism:
    """Return ``redirect`` for a function on top of another patch's, else ``ops``."""
    return "ops" if function.below is None else "redirect"


def disarming_write(
    function: PatchFunction, mechanism: Mechanism, stub: StubVendor | None
) -> PlannedWrite:
    """
    Return the write that disarms a function that is on top of its func_stack.

    :param stub: whose stub the target is reached by; None if by none
    :raises MechanismError: if the mechanism cannot be used for it
    :raises WalkError, drgn.FaultError: if what it relies on cannot be read
    """
    by: dict[Mechanism, Callable[[PatchFunction, StubVendor | None], PlannedWrite]] = {
        "ops": _ops,
        "redirect": _redirect,
        "nop": _nop,
        "site": _site,
    }
    return by[mechanism](function, stub)


def planned_write(
    function: PatchFunction,
    mechanism: Mechanism,
    *,
    address: int,
    what: str,
    size: int,
    old: tuple[int, str],
    new: tuple[int, str],
    why: str,
) -> PlannedWrite:
    """
    Return one write of a plan.

    :param size: in bytes
    :param old: what is there, and what that means
    :param new: what is to be there, and what that means
    :raises MechanismError: if it is not aligned to its size: a CPU could see half of it
    """
    if address % size:
        raise MechanismError(f"{what} at {Address(address)} is not aligned to its {size} bytes")
    return PlannedWrite(
        address=Address(address),
        what=what,
        function=function.label,
        patch=function.patch,
        mechanism=mechanism,
        size=size,
        old=Address(old[0]),
        new=Address(new[0]),
        old_means=old[1],
        new_means=new[1],
        why=why,
    )


def _symbol(function: PatchFunction, address: int) -> str:
    symbol = function.view.symbols.format(address)
    if isinstance(symbol, Unknown):
        return "its symbol is unknown"
    return "no symbol" if symbol is None else symbol


def _ops(function: PatchFunction, stub: StubVendor | None) -> PlannedWrite:
    view = function.view
    assert function.stack is not None
    if function.below is not None:
        raise MechanismError("ops would switch off the patches below it as well; use redirect")
    fops = function.stack.ops.fops
    nothing = ftrace_stub(view)
    if nothing is None:
        raise MechanismError("this kernel has no ftrace_stub")
    _needs_handler_called_by_ops(function)
    func = fops.func.value_()
    return planned_write(
        function,
        "ops",
        address=fops.func.address_,
        what="klp_ops.fops.func",
        size=8,
        old=(func, _symbol(function, func)),
        new=(nothing, "ftrace_stub"),  # which is ftrace_stub_graph, too
        why="its ftrace_ops does nothing: the original runs",
    )


def _needs_handler_called_by_ops(function: PatchFunction) -> None:
    """Check that whoever calls ``klp_ftrace_handler`` takes it from this ftrace_ops."""
    view = function.view
    assert function.stack is not None
    fops = function.stack.ops.fops
    handler = view.symbols.named("klp_ftrace_handler", "vmlinux")
    if not handler or fops.func.value_() != handler[0].address:
        raise MechanismError(f"its fops.func is {_symbol(function, fops.func.value_())} already")
    if not any(ops.value_() == fops.address_ for ops in for_each_ftrace_ops(view.prog)):
        raise MechanismError("its ftrace_ops is not on ftrace_ops_list: nothing calls it")
    entries = {handler[0].address, handler[0].address + local_entry_offset(handler[0].st_other)}
    for label in CALL_LABELS:
        for call in view.symbols.named(label, "vmlinux"):
            (word,) = view.words(call.address, 1)
            if branch_target(word, call.address) in entries:
                raise MechanismError(f"{label} calls klp_ftrace_handler itself, whatever fops.func")


def _redirect(function: PatchFunction, stub: StubVendor | None) -> PlannedWrite:
    below = function.below
    if below is None:
        raise MechanismError("no other patch is below it on its func_stack; use ops")
    if klp_func_nop(below):
        raise MechanismError("what is below it on its func_stack is a nop, without a function")
    func = function.func
    old, new = func.new_func.value_(), below.new_func.value_()
    return planned_write(
        function,
        "redirect",
        address=func.new_func.address_,
        what="klp_func.new_func",
        size=8,
        old=(old, _symbol(function, old)),
        new=(new, _symbol(function, new)),
        why="the version of the patch below it runs",
    )


def _nop(function: PatchFunction, stub: StubVendor | None) -> PlannedWrite:
    func = function.func
    try:
        nop = func.nop
    except AttributeError:
        raise MechanismError("klp_func has no nop in this kernel (it came in v5.1)") from None
    if nop.value_():
        raise MechanismError("it is a nop already")
    return planned_write(
        function,
        "nop",
        address=nop.address_,
        what="klp_func.nop",
        size=1,
        old=(0, "calls go to new_func"),
        new=(1, "calls go back to the original"),
        why="klp_ftrace_handler lets the original run",
    )


def _site(function: PatchFunction, stub: StubVendor | None) -> PlannedWrite:
    view = function.view
    if stub == "KGDB":
        raise MechanismError(
            "KGDB cannot write text: it copies the bytes as data, and the kernel's text is mapped"
            " read-only (STRICT_KERNEL_RWX), so that it answers E14; use ops"
        )
    ip = function.site()
    if ip is None:
        raise MechanismError("its ftrace_ops has not exactly one site in its filter")
    (word,) = view.words(ip, 1)
    target = branch_target(word, ip)
    if target is None:
        raise MechanismError(f"its site {Address(ip)} is not armed: it holds {word:08x}")
    assert function.stack is not None
    own = function.stack.ops.fops.address_
    for ops in for_each_ftrace_ops(view.prog):
        enabled = ops.flags.value_() & view.ops_flags["ENABLED"]
        if ops.value_() == own or not enabled:
            continue
        filter_ = ftrace_ops_filter(ops)
        if (filter_.everything or ip in filter_.filter) and ip not in filter_.notrace:
            raise MechanismError(
                f"its site serves another ftrace_ops too, at {Address(ops.value_())}; use ops"
            )
    return planned_write(
        function,
        "site",
        address=ip,
        what=f"mcount site, {view.symbols.label(ip)}",
        size=4,
        old=(word, f"to {view.symbols.label(target)}"),
        new=(NOP, "nop"),
        why="nothing is called: the original runs",
    )
