# SPDX-License-Identifier: GPL-2.0-or-later
"""What is held disarmed, and what the journal says of it."""

from collections.abc import Iterator
from pathlib import Path

from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.control.change import boot_identity
from klp_debug.control.journal import (
    JournalText,
    Operation,
    journal_folder,
    journal_path,
    other_journals,
    read_journal,
)
from klp_debug.control.patch_function import patch_functions, patch_names
from klp_debug.control.recovery import Recovery, describe
from klp_debug.errors import TargetError
from klp_debug.result.control import HeldFunction, Journal, OperationReport, Status


def status(view: KernelView) -> Status:
    """Return what is held disarmed; what cannot be read becomes a problem of the result."""
    boot, path, text = _journal(view)
    held: list[HeldFunction] = []
    with view.problems.noting("list klp_patches"):
        held.extend(_held(view, text))
    return Status(
        kernel=view.describe(),
        boot=boot,
        journal=str(path),
        journal_exists=path.is_file(),
        held=tuple(held),
        unfinished=tuple(_describe(view, text, text.unfinished)),
        in_force=tuple(_describe(view, text, text.in_force)),
        other_boots=tuple(_others(view, boot)),
        problems=view.problems.all(),
    )


def journal(view: KernelView) -> Journal:
    """Return every operation; what cannot be read becomes a problem of the result."""
    boot, path, text = _journal(view)
    return Journal(
        kernel=view.describe(),
        boot=boot,
        path=str(path),
        operations=tuple(_describe(view, text, text.operations)),
        problems=view.problems.all(),
    )


def _journal(view: KernelView) -> tuple[str | None, Path, JournalText]:
    boot: str | None = None
    with view.problems.noting("boot identity"):
        boot = boot_identity(view)
    if boot is None:
        return None, journal_folder(), JournalText()
    path = journal_path(view.target.build_id, boot)
    text = JournalText()
    try:
        text = read_journal(path, boot)
    except TargetError as error:
        view.problems.add("journal", str(error))
    return boot, path, text


def _describe(
    view: KernelView, text: JournalText, operations: list[Operation]
) -> Iterator[OperationReport]:
    recovery = Recovery(view)
    for operation in operations:
        report = describe(operation, text, [None] * len(operation.writes))
        with view.problems.noting(f"what operation {operation.number} wrote"):
            report = recovery.describe(operation, text)
        yield report


def _held(view: KernelView, text: JournalText) -> Iterator[HeldFunction]:
    for patch in patch_names(view):
        for function in patch_functions(view, patch) or ():
            mechanism = function.disarmed
            if mechanism is not None:
                number = next(
                    (
                        operation.number
                        for operation in (*text.in_force, *text.unfinished)
                        for write in operation.writes
                        if (write.function, write.mechanism) == (function.label, mechanism)
                    ),
                    None,
                )
                yield HeldFunction(patch, function.label, mechanism, number)


def _others(view: KernelView, boot: str | None) -> Iterator[str]:
    """Name the journals of other boots of this kernel that were left with something in force."""
    if boot is None:
        return
    for path in other_journals(view.target.build_id, boot):
        try:
            text = read_journal(path, None)
        except TargetError as error:
            view.problems.add("journal of another boot", str(error))
            continue
        if text.in_force or text.unfinished:
            yield str(path)
