# SPDX-License-Identifier: GPL-2.0-or-later
"""What the target's memory says of the operations of its journal, and what takes them back."""

from collections.abc import Sequence
from dataclasses import replace

from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.control.journal import JournalText, Operation
from klp_debug.control.patch_function import PatchFunction, patch_functions
from klp_debug.control.plan import Plan, Switch
from klp_debug.result.control import (
    OperationReport,
    OperationWrite,
    PlannedWrite,
    WriteState,
)
from klp_debug.result.unknown import Unknown

_CHANGED = "holds neither what was written nor what was there before: something else changed it"


class Recovery:
    """Compares a journal with its target."""

    def __init__(self, view: KernelView) -> None:
        """Take the target."""
        self._view = view
        self._patches: dict[str, list[PatchFunction] | None] = {}

    def state(self, write: PlannedWrite) -> WriteState:
        """
        Return what the target's memory says of a write.

        Whether the structure is still there is asked of the kernel's lists, for memory that was
        freed may hold anything.

        :raises WalkError, drgn.FaultError: if the lists cannot be read
        """
        function = self.function(write)
        if function is None or self._address(function, write) != write.address:
            return "gone"
        now = self._view.prog.read(write.address, write.size)
        if now == write.new_bytes:
            return "held"
        return "as before" if now == write.old_bytes else "changed"

    def function(self, write: PlannedWrite) -> PatchFunction | None:
        """Return the function that a write is about; None if it is no more."""
        if write.patch not in self._patches:
            self._patches[write.patch] = patch_functions(self._view, write.patch)
        found = (f for f in self._patches[write.patch] or () if f.label == write.function)
        return next(found, None)

    def _address(self, function: PatchFunction, write: PlannedWrite) -> int | None:
        """Return where what was written is now."""
        if function.stack is None:
            return None
        match write.mechanism:
            case "ops":
                return int(function.stack.ops.fops.func.address_)
            case "redirect":
                return int(function.func.new_func.address_)
            case "nop":
                return int(function.func.nop.address_)
            case "site":
                return function.site()

    def plan_to_end(self, operations: Sequence[Operation]) -> Plan:
        """
        Plan that the target is as it was before some operations, the last one first.

        One that itself takes back is brought to its end instead.

        :raises WalkError, drgn.FaultError: if the lists cannot be read
        """
        writes: list[PlannedWrite] = []
        skipped: list[str] = []
        for operation in reversed(operations):
            for write in reversed(operation.writes) if not operation.undoes else operation.writes:
                wanted = write if operation.undoes else write.reverse
                self._plan(wanted, writes, skipped)
        switches = [
            Switch(function, function.running())
            for write in writes
            if (function := self.function(write)) is not None
        ]
        changed = [reason for reason in skipped if reason.endswith(_CHANGED)]
        return Plan(
            writes=tuple(writes),
            switches=tuple(switches),
            skipped=tuple(skipped),
            refusal=changed[0] if changed else None,
            undoes=tuple(operation.number for operation in operations),
        )

    def _plan(self, wanted: PlannedWrite, writes: list[PlannedWrite], skipped: list[str]) -> None:
        # Of an operation and one that was to take it back both may ask for it, for the same value.
        if any(write.address == wanted.address for write in writes):
            return
        # From the side of the wanted write, what is yet to be done is "as before".
        match self.state(wanted):
            case "as before":
                writes.append(wanted)
            case "held":
                skipped.append(f"{wanted.function}: as it was already")
            case "gone":
                skipped.append(f"{wanted.function}: gone, the kernel unpatched it since")
            case "changed":
                skipped.append(f"{wanted.function}: {wanted.what} at {wanted.address} {_CHANGED}")


def plan_undo(view: KernelView, text: JournalText, *, everything: bool) -> Plan:
    """
    Plan that what was cut short is as if it had never begun; else that the last operation is.

    :param everything: whether to take back all operations
    :raises WalkError, drgn.FaultError: where the kernel's structures cannot be read
    """
    operations = list(text.unfinished)
    if everything:
        operations = sorted({*operations, *text.in_force}, key=lambda operation: operation.number)
    elif not operations:
        operations = text.in_force[-1:]
    plan = Recovery(view).plan_to_end(operations)
    # Finishing an interrupted undo also undoes what it was undoing.
    more = [number for operation in operations for number in operation.undoes]
    return replace(plan, undoes=tuple(dict.fromkeys([*plan.undoes, *more])))


def describe(
    operation: Operation, text: JournalText, states: Sequence[WriteState | Unknown]
) -> OperationReport:
    """Return an operation of a journal as a result."""
    return OperationReport(
        number=operation.number,
        action=operation.action,
        patch=operation.patch,
        undoes=operation.undoes,
        time=operation.time,
        result=operation.end or "unfinished",
        in_force=operation in text.in_force,
        forced=operation.forced,
        writes=tuple(
            OperationWrite(write, state)
            for write, state in zip(operation.writes, states, strict=True)
        ),
    )
