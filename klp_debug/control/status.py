# SPDX-License-Identifier: GPL-2.0-or-later
"""What is held disarmed, and what the journal says of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.control.change import boot_identity
from klp_debug.control.journal import (
    JournalText,
    Operation,
    journal_path,
    other_journals,
    read_journal,
)
from klp_debug.control.patch_function import PatchFunction, patch_functions
from klp_debug.control.recovery import Recovery, describe
from klp_debug.errors import TargetError
from klp_debug.kernel.livepatch import klp_patch_name
from klp_debug.result.control import HeldFunction, Journal, OperationReport, Status
from klp_debug.result.list import Mechanism
from klp_debug.result.unknown import Unknown


@dataclass(frozen=True, slots=True)
class _OfBoot:
    """The journal of the target's boot."""

    boot: str | Unknown
    path: Path | Unknown
    text: JournalText | Unknown

    @property
    def name(self) -> str | Unknown:
        """Its path, as it is shown."""
        return self.path if isinstance(self.path, Unknown) else str(self.path)


def status(view: KernelView) -> Status:
    """Return what is held disarmed; what cannot be read becomes a problem of the result."""
    found = _journal(view)
    text = found.text
    return Status(
        kernel=view.describe(),
        boot=found.boot,
        journal=found.name,
        journal_exists=found.path if isinstance(found.path, Unknown) else found.path.is_file(),
        held=tuple(_held(view, text)),
        unfinished=(text,) if isinstance(text, Unknown) else _all(view, text, text.unfinished),
        in_force=(text,) if isinstance(text, Unknown) else _in_force(view, text),
        other_boots=tuple(_others(view, found.boot)),
        problems=view.problems.all(),
    )


def journal(view: KernelView) -> Journal:
    """Return every operation; what cannot be read becomes a problem of the result."""
    found = _journal(view)
    text = found.text
    return Journal(
        kernel=view.describe(),
        boot=found.boot,
        path=found.name,
        operations=(text,) if isinstance(text, Unknown) else _all(view, text, text.operations),
        problems=view.problems.all(),
    )


def _journal(view: KernelView) -> _OfBoot:
    boot = view.problems.attempt("boot identity", boot_identity, view)
    if isinstance(boot, Unknown):
        return _OfBoot(boot, boot, boot)
    path = journal_path(view.target.build_id, boot)
    try:
        return _OfBoot(boot, path, read_journal(path, boot))
    except TargetError as error:
        return _OfBoot(boot, path, view.problems.add("journal", str(error)))


def _all(
    view: KernelView, text: JournalText, operations: list[Operation]
) -> tuple[OperationReport, ...]:
    """Return operations with what became of their writes, as far as it can be told."""
    recovery = Recovery(view)
    return tuple(_describe(view, recovery, text, operation) for operation in operations)


def _in_force(view: KernelView, text: JournalText) -> tuple[OperationReport, ...]:
    """Return the operations of which something is left, or may be."""
    return tuple(one for one in _all(view, text, text.in_force) if one.in_force is not False)


def _describe(
    view: KernelView, recovery: Recovery, text: JournalText, operation: Operation
) -> OperationReport:
    where = f"what operation {operation.number} wrote"
    states = [view.problems.attempt(where, recovery.state, write) for write in operation.writes]
    return describe(operation, text, states)


def _held(view: KernelView, text: JournalText | Unknown) -> Iterator[HeldFunction | Unknown]:
    for patch in view.klp_patches.listed:
        if isinstance(patch, Unknown):
            yield patch
            continue
        where = f"klp_patch {patch.value_():#x}"
        name = view.problems.attempt(where, klp_patch_name, patch)
        if isinstance(name, Unknown):
            yield name
            continue
        functions = view.problems.attempt(where, patch_functions, view, name)
        if isinstance(functions, Unknown):
            yield functions
            continue
        for function in functions or ():
            yield from _held_function(view, function, text)


def _held_function(
    view: KernelView, function: PatchFunction, text: JournalText | Unknown
) -> Iterator[HeldFunction | Unknown]:
    """Yield a function, if it is held disarmed."""
    where = f"klp_func {function.func.value_():#x} of {function.patch}"
    mechanism = view.problems.attempt(where, lambda: function.disarmed)
    if isinstance(mechanism, Unknown):
        yield mechanism
    elif mechanism is not None:
        operation = view.problems.attempt(where, _operation, text, function, mechanism)
        yield HeldFunction(
            patch=function.patch,
            function=function.label,
            mechanism=mechanism,
            operation=operation.number if isinstance(operation, Operation) else operation,
            done_for=operation.patch if isinstance(operation, Operation) else operation,
        )


def _operation(
    text: JournalText | Unknown, function: PatchFunction, mechanism: Mechanism
) -> Operation | Unknown | None:
    """Return the operation that holds a function disarmed; None if none of the journal does."""
    if isinstance(text, Unknown):
        return text
    what = function.label, mechanism, function.place(mechanism)
    operations = (
        operation
        for operation in (*text.in_force, *text.unfinished)
        for write in operation.writes
        if (write.function, write.mechanism, write.address) == what
    )
    return next(operations, None)


def _others(view: KernelView, boot: str | Unknown) -> Iterator[str | Unknown]:
    """Name the journals of other boots of this kernel that were left with something in force."""
    if isinstance(boot, Unknown):
        yield boot
        return
    for path in other_journals(view.target.build_id, boot):
        try:
            text = read_journal(path, None)
        except TargetError as error:
            yield view.problems.add("journal of another boot", str(error))
            continue
        if text.in_force or text.unfinished:
            yield str(path)
