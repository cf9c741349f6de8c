# SPDX-License-Identifier: GPL-2.0-or-later
"""
What was written to a kernel, and what was about to be: one file for each boot of each kernel.

Lines of JSON, in the order in which things happened; each is on the disk before the next thing
happens. The first tells the version of the format and which boot it is about; then, of each
operation:

``begin``
    what is to be done, with every write;
``intent``
    this write is about to be done, or about to be taken back (``back``);
``done``
    it was done, and read back;
``end``
    the operation is over: ``done``, or ``taken back``.

An operation without an ``end`` was cut short: the target's memory tells how far it came, since each
write is compared before and read back after. A line that cannot be read was never finished; what it
was about did not begin.
"""

import contextlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from klp_debug.control.fsync import BusyError, DurableLines, open_durable
from klp_debug.errors import TargetError
from klp_debug.result.address import Address
from klp_debug.result.control import Action, PlannedWrite

_VERSION = 1
_ADDRESSES = ("address", "old", "new")
_TEXTS = ("what", "function", "patch", "mechanism", "old_means", "new_means", "why")

End = Literal["done", "taken back"]


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of a journal."""

    number: int
    """From 1."""
    action: Action
    patch: str
    undoes: tuple[int, ...]
    """Operations that it takes back."""
    time: str
    """When it began: ISO 8601, UTC."""
    forced: tuple[str, ...]
    """The objections that were overridden."""
    writes: tuple[PlannedWrite, ...]
    end: End | None = None
    """None if it was cut short, or is under way."""


@dataclass(slots=True)
class JournalText:
    """What a journal says."""

    operations: list[Operation] = field(default_factory=list)
    torn: int = 0
    """Lines that cannot be read."""
    headed: bool = False
    """Whether it says which boot it is about."""

    @property
    def unfinished(self) -> list[Operation]:
        """The operations that were cut short, and not brought to an end since."""
        undone = self._undone
        return [o for o in self.operations if o.end is None and o.number not in undone]

    @property
    def in_force(self) -> list[Operation]:
        """The operations that were done and not taken back since."""
        undone = self._undone
        done = [o for o in self.operations if o.end == "done" and not o.undoes]
        return [o for o in done if o.number not in undone]

    @property
    def _undone(self) -> set[int]:
        return {
            n for operation in self.operations if operation.end == "done" for n in operation.undoes
        }


def journal_folder() -> Path:
    """Return where journals are: in the user's state folder (XDG base directories)."""
    base = os.environ.get("XDG_STATE_HOME", "")
    # A relative path there is to be ignored.
    state = Path(base) if Path(base).is_absolute() else Path.home() / ".local" / "state"
    return state / "klp-debug" / "journal"


def journal_path(build_id: str | None, boot: str) -> Path:
    """Return where the journal of a boot is; it need not exist."""
    return journal_folder() / f"{_kernel(build_id)}-{boot}.jsonl"


def other_journals(build_id: str | None, boot: str) -> list[Path]:
    """Return the journals of other boots of the same kernel, by name."""
    own = journal_path(build_id, boot)
    return sorted(path for path in own.parent.glob(f"{_kernel(build_id)}-*.jsonl") if path != own)


def _kernel(build_id: str | None) -> str:
    return (build_id or "no-build-id")[:16]


def read_journal(path: Path, boot: str | None) -> JournalText:
    """
    Read a journal; an empty one if there is none.

    :param boot: which it must be about; None for any
    :raises TargetError: if it cannot be read, is of another version or about another boot
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return JournalText()
    except OSError as error:
        raise TargetError(f"{path}: {error.strerror}") from None
    return _parse(path, data, boot)


class JournalWriter:
    """A journal that this process has for itself; see :func:`open_journal`."""

    def __init__(self, lines: DurableLines, text: JournalText) -> None:
        """Take an open journal and what it says."""
        self._lines = lines
        self.text = text

    def begin(
        self,
        action: Action,
        patch: str,
        writes: Sequence[PlannedWrite],
        undoes: Sequence[int],
        forced: Sequence[str],
    ) -> Operation:
        """
        Begin an operation.

        :raises OSError: if the disk does not take it
        """
        operation = Operation(
            number=max((each.number for each in self.text.operations), default=0) + 1,
            action=action,
            patch=patch,
            undoes=tuple(undoes),
            time=datetime.now(UTC).isoformat(timespec="milliseconds"),
            forced=tuple(forced),
            writes=tuple(writes),
        )
        self._append(
            {
                "type": "begin",
                "operation": operation.number,
                "action": action,
                "patch": patch,
                "undoes": list(undoes),
                "time": operation.time,
                "pid": os.getpid(),
                "forced": list(forced),
                "writes": [_write_out(write) for write in writes],
            }
        )
        self.text.operations.append(operation)
        return operation

    def intent(self, operation: Operation, index: int, *, back: bool = False) -> None:
        """
        Note that a write is about to be done, or taken back.

        :raises OSError: if the disk does not take it
        """
        self._append(
            {"type": "intent", "operation": operation.number, "write": index, "back": back}
        )

    def done(self, operation: Operation, index: int, *, back: bool = False) -> None:
        """
        Note that a write was done, or taken back, and read back.

        :raises OSError: if the disk does not take it
        """
        self._append({"type": "done", "operation": operation.number, "write": index, "back": back})

    def end(self, operation: Operation, how: End) -> None:
        """
        Note that an operation is over.

        :raises OSError: if the disk does not take it
        """
        self._append({"type": "end", "operation": operation.number, "how": how})

    def _append(self, line: dict[str, Any]) -> None:
        self._lines.append(json.dumps(line))


@contextlib.contextmanager
def open_journal(build_id: str | None, boot: str, release: str) -> Iterator[JournalWriter]:
    """
    Open the journal of a boot to write to, alone; make it if there is none.

    :raises TargetError: if another process has it, or it cannot be read or made
    """
    path = journal_path(build_id, boot)
    with contextlib.ExitStack() as stack:
        try:
            lines = stack.enter_context(open_durable(path))
            text = _parse(path, lines.read(), boot)
            if not text.headed:  # new, or its first writer was killed in the first line
                head = {
                    "type": "journal",
                    "version": _VERSION,
                    "build_id": build_id,
                    "boot": boot,
                    "release": release,
                }
                lines.append(json.dumps(head))
        except BusyError:
            raise TargetError(
                f"another klp-debug is at work on this kernel: it holds {path}"
            ) from None
        except OSError as error:
            raise TargetError(f"the journal {path} cannot be written: {error.strerror}") from None
        yield JournalWriter(lines, text)


def _parse(path: Path, data: bytes, boot: str | None) -> JournalText:
    text = JournalText()
    by_number: dict[int, int] = {}
    for raw in data.split(b"\n"):
        if not raw.strip():
            continue
        try:
            line = json.loads(raw)
            kind = line["type"]
            if kind == "journal":
                _check_head(path, line, boot)
                text.headed = True
            elif kind == "begin":
                by_number[line["operation"]] = len(text.operations)
                text.operations.append(_operation_in(line))
            elif kind == "end":
                index = by_number[line["operation"]]
                if line["how"] not in ("done", "taken back"):
                    raise ValueError(line["how"])
                text.operations[index] = replace(text.operations[index], end=line["how"])
            elif kind not in ("intent", "done"):
                raise ValueError(kind)
        except (ValueError, KeyError, TypeError, AttributeError):
            text.torn += 1
    if text.operations and not text.headed:
        raise TargetError(f"{path} is no journal of klp-debug's: it does not say of which boot")
    return text


def _check_head(path: Path, line: dict[str, Any], boot: str | None) -> None:
    if line["version"] != _VERSION:
        raise TargetError(
            f"{path} is of version {line['version']} of the format; this klp-debug knows {_VERSION}"
        )
    if boot is not None and line["boot"] != boot:
        raise TargetError(f"{path} is about another boot of this kernel, {line['boot']}")


def _write_out(write: PlannedWrite) -> dict[str, Any]:
    line: dict[str, Any] = {name: getattr(write, name) for name in _TEXTS}
    line |= {name: str(getattr(write, name)) for name in _ADDRESSES}
    return line | {"size": write.size}


def _operation_in(line: dict[str, Any]) -> Operation:
    return Operation(
        number=int(line["operation"]),
        action=line["action"],
        patch=str(line["patch"]),
        undoes=tuple(int(number) for number in line["undoes"]),
        time=str(line["time"]),
        forced=tuple(str(id_) for id_ in line["forced"]),
        writes=tuple(_write_in(write) for write in line["writes"]),
    )


def _write_in(line: dict[str, Any]) -> PlannedWrite:
    if line["mechanism"] not in ("ops", "redirect", "nop", "site"):
        raise ValueError(line["mechanism"])
    if line["size"] not in (1, 4, 8):
        raise ValueError(line["size"])
    values: dict[str, Any] = {name: Address(int(line[name], 16)) for name in _ADDRESSES}
    values |= {name: str(line[name]) for name in _TEXTS}
    return PlannedWrite(size=line["size"], **values)
