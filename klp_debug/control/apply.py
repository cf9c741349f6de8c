# SPDX-License-Identifier: GPL-2.0-or-later
"""
All writes of a plan, or none.

Each is compared before and read back after, and is in the journal before it is done. Where one
fails, those before it are taken back, and that is verified.
"""

from dataclasses import dataclass

from drgn import FaultError

from klp_debug.control.journal import JournalWriter, Operation
from klp_debug.errors import TargetError
from klp_debug.result.address import Address
from klp_debug.result.control import Outcome, PlannedWrite
from klp_debug.targets.writable import WritableMemory

_FAILURES = (TargetError, FaultError, OSError)


class StepError(TargetError):
    """A step that did not do what it must; the message is one sentence."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of a plan."""

    outcome: Outcome
    """``done``, ``failed`` (all is as before) or ``unfinished``."""
    reason: str | None


def compare_all(memory: WritableMemory, writes: tuple[PlannedWrite, ...]) -> None:
    """
    See that the target holds what every write expects.

    :raises StepError: if it does not
    :raises TargetError, drgn.FaultError: if it cannot be read
    """
    for write in writes:
        _compare(memory, write)


def apply(memory: WritableMemory, journal: JournalWriter, operation: Operation) -> Applied:
    """
    Do all writes of an operation that has begun, or none.

    An exception that is no failure of a step, such as Ctrl-C, is let through, after all was taken
    back.
    """
    begun = 0
    try:
        for index, write in enumerate(operation.writes):
            journal.intent(operation, index)
            _compare(memory, write)
            begun = index + 1
            memory.write(int(write.address), write.new_bytes)
            _verify(memory, write)
            journal.done(operation, index)
        journal.end(operation, "done")
    except _FAILURES as error:
        return take_back(memory, journal, operation, begun, _sentence(error))
    except BaseException:
        take_back(memory, journal, operation, begun, "it was interrupted")
        raise
    return Applied("done", None)


def take_back(
    memory: WritableMemory, journal: JournalWriter, operation: Operation, begun: int, reason: str
) -> Applied:
    """
    Take the writes of an operation back, the last one first, and verify it.

    :param begun: how many were begun, done or not
    :param reason: why
    """
    stuck: list[str] = []
    for index in reversed(range(begun)):
        write = operation.writes[index]
        try:
            # The intent to do it tells already that it may have to be taken back, so that a full
            # disk must not stop this.
            _journal_if_it_can(journal, operation, index)
            now = memory.read(int(write.address), write.size)
            if now == write.new_bytes:
                memory.write(int(write.address), write.old_bytes)
                now = memory.read(int(write.address), write.size)
            if now != write.old_bytes:
                stuck.append(f"{write.address} holds {_hex(now)}, not {_hex(write.old_bytes)}")
        except _FAILURES as error:
            stuck.append(_sentence(error))
    if stuck:
        return Applied("unfinished", f"{reason}; and it could not be taken back: {stuck[0]}")
    try:
        journal.end(operation, "taken back")
    except OSError:
        # The next to attach finds it unfinished, with nothing in memory to take back.
        return Applied("failed", f"{reason}; the journal could not be closed")
    return Applied("failed", reason)


def _journal_if_it_can(journal: JournalWriter, operation: Operation, index: int) -> None:
    try:
        journal.intent(operation, index, back=True)
    except OSError:
        return


def _compare(memory: WritableMemory, write: PlannedWrite) -> None:
    now = memory.read(int(write.address), write.size)
    if now != write.old_bytes:
        raise StepError(
            f"{write.what} of {write.function} at {write.address} holds {_hex(now)}, not"
            f" {_hex(write.old_bytes)}: something else changed it"
        )


def _verify(memory: WritableMemory, write: PlannedWrite) -> None:
    now = memory.read(int(write.address), write.size)
    if now != write.new_bytes:
        raise StepError(
            f"{write.address} reads back {_hex(now)}, not {_hex(write.new_bytes)} that was written"
        )


def _hex(data: bytes) -> str:
    return f"{int.from_bytes(data, 'little'):0{2 * len(data)}x}"


def _sentence(error: Exception) -> str:
    if isinstance(error, OSError):
        return f"the journal cannot be written: {error.strerror or error}"
    if isinstance(error, FaultError):
        return f"{Address(error.args[1])} cannot be read" if len(error.args) > 1 else str(error)
    return str(error)
