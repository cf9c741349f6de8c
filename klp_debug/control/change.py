# SPDX-License-Identifier: GPL-2.0-or-later
"""One change from its plan to its end: the order in which nothing can be skipped."""

import contextlib
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace

from drgn import FaultError

from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.control.apply import apply, compare_all
from klp_debug.control.consent import Consent
from klp_debug.control.journal import (
    JournalText,
    JournalWriter,
    journal_path,
    open_journal,
    read_journal,
)
from klp_debug.control.plan import Plan
from klp_debug.control.safety import objections
from klp_debug.errors import CommandError, TargetError
from klp_debug.kernel.boot import boot_facts
from klp_debug.kernel.walk import WalkError
from klp_debug.result.control import Action, Change
from klp_debug.targets.writable import WritableMemory

_BOOT_DIGITS = 16


class NoConsentError(CommandError):
    """Nobody can be asked, and ``--yes`` was not said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a user asks for, and how."""

    action: Action
    subject: str
    """The patch, or for ``undo`` what is to be taken back."""
    dry_run: bool
    force: bool
    yes: bool
    """Whether the user agreed beforehand."""
    consent: Consent


@dataclass(frozen=True, slots=True)
class JournaledTarget:
    """A target with the journal of its boot; writable, unless this is a dry run."""

    text: JournalText
    writer: JournalWriter | None
    memory: WritableMemory | None


def boot_identity(view: KernelView) -> str:
    """
    Return 16 hexadecimal digits that tell this boot of this kernel from every other.

    By them its journal is found.

    :raises WalkError, drgn.FaultError: if what tells it cannot be read
    :raises TargetError: if the kernel has nothing that tells it
    """
    facts = boot_facts(view.prog)
    if len(facts) < 3:
        raise TargetError("nothing in this kernel tells one boot of it from another")
    text = json.dumps([view.target.build_id, facts], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:_BOOT_DIGITS]


@contextlib.contextmanager
def journaled_target(view: KernelView, request: Request) -> Iterator[JournaledTarget]:
    """
    Open the journal of the target's boot: to write, unless this is a dry run.

    :raises TargetError: if the target cannot be written or its boot not be told, or its journal
        cannot be used
    """
    try:
        boot = boot_identity(view)
    except (WalkError, FaultError) as error:
        raise TargetError(f"which boot of the kernel this is cannot be told: {error}") from None
    build_id = view.target.build_id
    if request.dry_run:
        yield JournaledTarget(read_journal(journal_path(build_id, boot), boot), None, None)
        return
    memory = view.target.writable
    if memory is None:
        raise TargetError(
            f"nothing can be written to this {view.target.source}: that takes a target that a"
            " debugger holds stopped; --dry-run shows what would be written"
        )
    with open_journal(build_id, boot, view.target.vmcoreinfo.release) as writer:
        yield JournaledTarget(writer.text, writer, memory)


def perform(view: KernelView, request: Request, target: JournaledTarget, plan: Plan) -> Change:
    """
    Do what a plan says, if it is safe and the user agrees.

    :raises NoConsentError: if nobody can be asked
    """
    change = Change(
        kernel=view.describe(),
        action=request.action,
        subject=request.subject,
        outcome="planned",
        reason=None,
        writes=plan.writes,
        skipped=plan.skipped,
        objections=(),
        forced=request.force,
        notes=plan.notes if request.action == "disarm" else (),
        operation=None,
        problems=(),
    )
    if request.action != "undo" and target.text.unfinished:
        numbers = ", ".join(str(operation.number) for operation in target.text.unfinished)
        reason = f"operation {numbers} of the journal was cut short: `klp-debug undo` finishes it"
        return replace(change, outcome="refused", reason=reason)
    if plan.refusal is not None:
        return replace(change, outcome="refused", reason=plan.refusal)
    if not plan.writes and not plan.undoes:
        return replace(change, outcome="nothing to do")
    if plan.writes:
        change = replace(change, objections=objections(view, plan))
    if change.objections and not request.force:
        return _with_problems(view, replace(change, outcome="refused"))
    if target.memory is None or target.writer is None:
        return _with_problems(view, change)
    if plan.writes and not request.yes:
        confirm = request.consent.confirm
        if confirm is None:
            raise NoConsentError(
                "nobody can be asked here whether to write: say --yes, or --dry-run"
            )
        if not confirm(change):
            return replace(change, outcome="declined")
    elif plan.writes:
        request.consent.show(change)
    return _with_problems(view, _apply(target.writer, target.memory, change, plan))


def _with_problems(view: KernelView, change: Change) -> Change:
    return replace(change, problems=view.problems.all())


def _apply(journal: JournalWriter, memory: WritableMemory, change: Change, plan: Plan) -> Change:
    forced = sorted({objection.id for objection in change.objections})
    patch = plan.writes[0].patch if plan.writes else change.subject
    try:
        compare_all(memory, plan.writes)
        operation = journal.begin(
            action=change.action,
            patch=patch,
            writes=plan.writes,
            undoes=plan.undoes,
            forced=forced,
        )
    except (TargetError, FaultError) as error:
        return replace(change, outcome="refused", reason=str(error))
    except OSError as error:
        reason = f"the journal cannot be written: {error.strerror or error}"
        return replace(change, outcome="refused", reason=reason)
    applied = apply(memory, journal, operation)
    if applied.outcome == "done" and plan.nothing_left:
        return replace(change, outcome="nothing left", operation=operation.number)
    return replace(
        change, outcome=applied.outcome, reason=applied.reason, operation=operation.number
    )
