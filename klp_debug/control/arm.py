# SPDX-License-Identifier: GPL-2.0-or-later
"""What arms a patch again: the journal's old values, or where it tells none the kernel's own."""

from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.control.journal import JournalText
from klp_debug.control.mechanisms import planned_write
from klp_debug.control.patch_function import PatchFunction
from klp_debug.control.plan import Plan, Switch, find_functions
from klp_debug.control.recovery import Recovery
from klp_debug.result.control import PlannedWrite
from klp_debug.result.list import Mechanism


def plan_arm(view: KernelView, text: JournalText, patch: str) -> Plan:
    """
    Plan that nothing holds a patch disarmed any more.

    :raises CommandError: if there is no such patch
    :raises WalkError, drgn.FaultError: where the kernel's structures cannot be read
    """
    functions = find_functions(view, patch, None)
    in_force = [operation for operation in text.in_force if operation.patch == patch]
    operations = [operation for operation in in_force if operation.action == "disarm"]
    plan = Recovery(view).plan_to_end(operations)
    if plan.refusal is not None:
        return plan
    writes, switches = list(plan.writes), list(plan.switches)
    skipped = list(plan.skipped)
    ours = {write.address for write in writes}
    for function in functions:
        disarmed = function.disarmed
        if disarmed is None:
            if all(write.function != function.label for write in writes):
                skipped.append(f"{function.label}: not disarmed")
            continue
        write = _by_kernel(view, function)
        if write is None:
            if any(w.function == function.label and w.mechanism == disarmed for w in writes):
                continue
            return Plan(
                refusal=f"{function.label} is held disarmed by {disarmed}, and not by this journal:"
                " only that of the one who did it knows what was there before"
            )
        if write.address not in ours:
            writes.append(write)
            switches.append(Switch(function, function.running()))
    unique = tuple(dict.fromkeys(skipped))
    return Plan(tuple(writes), tuple(switches), unique, None, plan.undoes)


def _by_kernel(view: KernelView, function: PatchFunction) -> PlannedWrite | None:
    """Return the write that arms a function again whose old value the kernel itself tells."""
    assert function.stack is not None
    if function.disarmed == "ops":
        (handler, *_) = view.symbols.named("klp_ftrace_handler", "vmlinux")
        func = function.stack.ops.fops.func
        return _write(
            function,
            func.address_,
            ("klp_ops.fops.func", "ops", 8),
            (func.value_(), "ftrace_stub"),
            (handler.address, "klp_ftrace_handler"),
        )
    if function.disarmed == "nop":
        nop = function.func.nop
        return _write(
            function,
            nop.address_,
            ("klp_func.nop", "nop", 1),
            (1, "calls go back to the original"),
            (0, "calls go to new_func"),
        )
    return None


def _write(
    function: PatchFunction,
    address: int,
    field: tuple[str, Mechanism, int],
    old: tuple[int, str],
    new: tuple[int, str],
) -> PlannedWrite:
    what, mechanism, size = field
    return planned_write(
        function, mechanism, address, what, size, old, new, f"takes {mechanism} back"
    )
