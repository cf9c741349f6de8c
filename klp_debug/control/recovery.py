# SPDX-License-Identifier: GPL-2.0-or-later
"""What the target's memory says of the operations of its journal, and what takes them back."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.control.journal import JournalText, Operation
from klp_debug.control.patch_function import PatchFunction, all_patch_functions
from klp_debug.control.plan import Plan, Switch
from klp_debug.result.control import (
    OperationReport,
    OperationWrite,
    PlannedWrite,
    WriteState,
)
from klp_debug.result.unknown import Unknown, first_unknown

_CHANGED = "holds neither what was written nor what was there before: something else changed it"
_GONE = "gone, the kernel unpatched it since"
_LEFT: tuple[WriteState, ...] = ("held", "changed")


class Recovery:
    """Compares a journal with its target."""

    def __init__(self, view: KernelView) -> None:
        """Take the target."""
        self._view = view

    @cached_property
    def _functions(self) -> list[PatchFunction]:
        return all_patch_functions(self._view)

    def state(self, write: PlannedWrite) -> WriteState:
        """
        Return what the target's memory says of a write.

        Whether the structure is still there is asked of the kernel's lists, for memory that was
        freed may hold anything.

        :raises WalkError, drgn.FaultError: if the lists cannot be read
        """
        if self.function(write) is None:
            return "gone"
        now = self._view.prog.read(write.address, write.size)
        if now == write.new_bytes:
            return "held"
        return "as before" if now == write.old_bytes else "changed"

    def function(self, write: PlannedWrite) -> PatchFunction | None:
        """
        Return the function whose structure or site is now where a write went; None if none is.

        A ``klp_ops`` and a site are the function's: they stay when another patch comes on top, and
        when it replaces the one that they were written for. A ``klp_func`` is its patch's.

        :raises WalkError, drgn.FaultError: if the lists cannot be read
        """
        of_function = write.mechanism in ("ops", "site")
        for function in self._functions:
            is_it = function.position == 0 if of_function else function.patch == write.patch
            if is_it and function.label == write.function:
                return function if function.place(write.mechanism) == write.address else None
        return None

    def is_left(self, operation: Operation) -> bool:
        """
        Return whether anything of an operation is left in the target.

        :raises WalkError, drgn.FaultError: if the lists cannot be read
        """
        return any(self.state(write) in _LEFT for write in operation.writes)

    def held_by_others(self, text: JournalText) -> list[str]:
        """
        Say what is held disarmed and was not by an operation of a journal, a clause each.

        :raises WalkError, drgn.FaultError: if the lists cannot be read
        """
        ours = {
            write.address
            for operation in (*text.in_force, *text.unfinished)
            for write in operation.writes
        }
        return [
            f"{function.label}: held disarmed by {function.disarmed}, and not by this journal;"
            f" `klp-debug arm {function.patch}` takes back what the kernel knows the old value of"
            for function in self._functions
            if function.disarmed is not None and function.place(function.disarmed) not in ours
        ]

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
            nothing_left=bool(operations) and not writes and any(map(_is_gone, skipped)),
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
                skipped.append(f"{wanted.function}: {_GONE}")
            case "changed":
                skipped.append(f"{wanted.function}: {wanted.what} at {wanted.address} {_CHANGED}")


def _is_gone(reason: str) -> bool:
    return reason.endswith(_GONE)


def plan_undo(view: KernelView, text: JournalText, *, everything: bool) -> Plan:
    """
    Plan that what was cut short is as if it had never begun; else that the last operation is.

    :param everything: whether to take back all operations
    :raises WalkError, drgn.FaultError: where the kernel's structures cannot be read
    """
    recovery = Recovery(view)
    operations = list(text.unfinished)
    if everything:
        operations = sorted({*operations, *text.in_force}, key=lambda operation: operation.number)
    elif not operations:
        operations = _last_left(recovery, text.in_force)
    plan = recovery.plan_to_end(operations)
    # Finishing an interrupted undo also undoes what it was undoing.
    more = [number for operation in operations for number in operation.undoes]
    plan = replace(plan, undoes=tuple(dict.fromkeys([*plan.undoes, *more])))
    others = recovery.held_by_others(text)
    if others and not plan.writes:
        return replace(plan, refusal=plan.refusal or others[0], skipped=(*plan.skipped, *others))
    return replace(plan, skipped=(*plan.skipped, *others))


def _last_left(recovery: Recovery, in_force: Sequence[Operation]) -> list[Operation]:
    """Return the last operation of which anything is left, and those after it."""
    for number in reversed(range(len(in_force))):
        if recovery.is_left(in_force[number]):
            return list(in_force[number:])
    return list(in_force)


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
        in_force=operation in text.in_force and _in_force(states),
        forced=operation.forced,
        writes=tuple(
            OperationWrite(write, state)
            for write, state in zip(operation.writes, states, strict=True)
        ),
    )


def _in_force(states: Sequence[WriteState | Unknown]) -> bool | Unknown:
    """Return whether anything of an operation is left, by what is known of its writes."""
    if any(state in _LEFT for state in states):
        return True
    missing = first_unknown(states)
    return False if missing is None else missing
