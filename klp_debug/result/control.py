# SPDX-License-Identifier: GPL-2.0-or-later
"""The answers of ``arm``, ``disarm``, ``undo``, ``status`` and ``journal``."""

from dataclasses import dataclass
from typing import Literal

from klp_debug.result.address import Address
from klp_debug.result.bt import TaskTrace
from klp_debug.result.common import Problem
from klp_debug.result.kernel import Kernel
from klp_debug.result.list import Mechanism
from klp_debug.result.unknown import Unknown, known

Action = Literal["disarm", "arm", "undo"]

ObjectionId = Literal[
    "klp-mutex-held",
    "transition-in-progress",
    "ftrace-lock-held",
    "text-mutex-held",
    "task-inside",
    "in-flight",
    "stack-unknown",
    "registers-unknown",
    "tasks-unread",
]
"""
Why it is not safe to write now; ``--force`` overrides each.

``task-inside``
    a task is inside the version of a function that is to be switched away from;
``in-flight``
    a CPU or a task is between a mcount site and the version that it will run;
``stack-unknown``
    a stack cannot be followed, and it may hold such a place;
``registers-unknown``
    a CPU's registers are not known, so neither is what it runs;
``tasks-unread``
    the list of tasks cannot be read whole.
"""

Outcome = Literal[
    "planned",
    "done",
    "nothing to do",
    "nothing left",
    "refused",
    "declined",
    "failed",
    "unfinished",
]
"""
What became of it:

``planned``
    ``--dry-run``: nothing was written;
``nothing left``
    what was to be taken back is gone with the structures that it was written to, so nothing was:
    only the journal says so now;
``refused``
    it is not safe now, or cannot be done: nothing was written;
``declined``
    the user said no: nothing was written;
``failed``
    a step failed; what was written before it is taken back, and that is verified;
``unfinished``
    a step failed, and the target could not be brought back to what it was: ``undo`` will.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedWrite:
    """One write: all bytes of one field or instruction."""

    address: Address
    what: str
    """The field or instruction: ``klp_ops.fops.func``."""
    function: str
    """``name`` or ``name [module]``."""
    patch: str
    mechanism: Mechanism
    size: int
    """In bytes; aligned to it, so that no CPU ever sees half of it."""
    old: Address
    """The value that must be there, little-endian."""
    new: Address
    old_means: str
    new_means: str
    why: str

    @property
    def old_bytes(self) -> bytes:
        """What must be there, as memory holds it."""
        return int(self.old).to_bytes(self.size, "little")

    @property
    def new_bytes(self) -> bytes:
        """What is written, as memory holds it."""
        return int(self.new).to_bytes(self.size, "little")

    @property
    def reverse(self) -> "PlannedWrite":
        """The write that takes this one back."""
        return PlannedWrite(
            address=self.address,
            what=self.what,
            function=self.function,
            patch=self.patch,
            mechanism=self.mechanism,
            size=self.size,
            old=self.new,
            new=self.old,
            old_means=self.new_means,
            new_means=self.old_means,
            why=f"takes {self.mechanism} back",
        )


@dataclass(frozen=True, slots=True)
class Objection:
    """One reason why it is not safe to write now."""

    id: ObjectionId
    text: str
    task: TaskTrace | None = None
    """The task it is about, with its stack."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """The answer of ``arm``, ``disarm`` and ``undo``."""

    kernel: Kernel
    action: Action
    subject: str
    """The patch, or for ``undo`` what is taken back."""
    outcome: Outcome
    reason: str | None
    """Why, where it was not done."""
    writes: tuple[PlannedWrite, ...]
    """Every write, in order; none that was not planned is ever done."""
    skipped: tuple[str, ...]
    """Functions without a write, with the reason."""
    objections: tuple[Objection, ...]
    forced: bool
    """Whether the objections were overridden by ``--force``."""
    notes: tuple[str, ...]
    """What holds while it is in force."""
    operation: int | None
    """Its number in the journal."""
    problems: tuple[Problem, ...]

    @property
    def clean(self) -> bool:
        """Whether it was done, or could be, and nothing was in the way."""
        fine = self.outcome in ("done", "nothing to do", "planned")
        return fine and (self.forced or not self.objections) and not self.problems


WriteState = Literal["held", "as before", "gone", "changed"]
"""
What the target's memory says of a write of the journal:

``held``
    what was written is there;
``as before``
    what was there before is there again;
``gone``
    the structure does not exist any more: the patch was disabled or its module unloaded;
``changed``
    it is neither: someone else wrote there.
"""


@dataclass(frozen=True, slots=True)
class OperationWrite:
    """One write of an operation, and what became of it."""

    write: PlannedWrite
    state: WriteState | Unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationReport:
    """One operation of the journal."""

    number: int
    action: Action
    patch: str
    undoes: tuple[int, ...]
    """The operations that it takes back."""
    time: str
    """When it began, ISO 8601, UTC, by this machine's clock."""
    result: Literal["done", "taken back", "unfinished"]
    in_force: bool | Unknown
    """Whether it was done and not taken back, and something of it is left in the target."""
    forced: tuple[str, ...]
    """The objections that were overridden."""
    writes: tuple[OperationWrite, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldFunction:
    """A function that a debugger holds disarmed."""

    patch: str
    function: str
    mechanism: Mechanism
    operation: int | Unknown | None
    """The operation of the journal that did it; None if it is none of ours."""
    done_for: str | Unknown | None
    """The patch that this operation was about; what holds a function outlives a replaced patch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """The answer of ``status``."""

    kernel: Kernel
    boot: str | Unknown
    """What tells this boot of the kernel from every other."""
    journal: str | Unknown
    """Path of its journal."""
    journal_exists: bool | Unknown
    held: tuple[HeldFunction | Unknown, ...]
    """By the target's memory."""
    unfinished: tuple[OperationReport | Unknown, ...]
    in_force: tuple[OperationReport | Unknown, ...]
    other_boots: tuple[str | Unknown, ...]
    """Journals of other boots of the same kernel with operations in force; never applied."""
    problems: tuple[Problem, ...]

    @property
    def clean(self) -> bool:
        """Whether nothing is held, nothing is unfinished, and everything could be read."""
        return not (self.held or self.unfinished or self.problems)


@dataclass(frozen=True, slots=True, kw_only=True)
class Journal:
    """The answer of ``journal``."""

    kernel: Kernel
    boot: str | Unknown
    path: str | Unknown
    operations: tuple[OperationReport | Unknown, ...]
    problems: tuple[Problem, ...]

    @property
    def clean(self) -> bool:
        """Whether no operation is unfinished, and everything could be read."""
        return not self.problems and all(
            operation.result != "unfinished" for operation in known(self.operations)
        )
