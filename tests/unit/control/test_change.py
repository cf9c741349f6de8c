# SPDX-License-Identifier: GPL-2.0-or-later
"""What a change does between its plan and its end: nothing is written that nobody agreed to."""

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from klp_debug.control import change as change_module
from klp_debug.control.change import JournaledTarget, NoConsentError, Request, perform
from klp_debug.control.consent import Consent
from klp_debug.control.journal import open_journal
from klp_debug.control.plan import Plan
from klp_debug.result.address import Address
from klp_debug.result.control import Change, PlannedWrite
from klp_debug.targets.writable import StubKind

VIEW: Any = SimpleNamespace(
    describe=lambda: SimpleNamespace(), problems=SimpleNamespace(all=lambda: ())
)
WRITE = PlannedWrite(
    address=Address(0x1000),
    what="klp_func.nop",
    function="meminfo_proc_show",
    patch="livepatch_sample",
    mechanism="nop",
    size=1,
    old=Address(0),
    new=Address(1),
    old_means="calls go to new_func",
    new_means="calls go back to the original",
    why="klp_ftrace_handler lets the original run",
)
PLAN = Plan(writes=(WRITE,))


class Memory:
    """One byte that can be written."""

    kind: StubKind = "QEMU"

    def __init__(self) -> None:
        self.byte = b"\0"

    def read(self, address: int, size: int) -> bytes:
        assert (address, size) == (WRITE.address, WRITE.size)
        return self.byte

    def write(self, address: int, data: bytes) -> None:
        assert address == WRITE.address
        self.byte = data


class Asking:
    """A user who is shown changes; notes what memory held then."""

    def __init__(self, memory: Memory) -> None:
        self.memory = memory
        self.shown: list[tuple[Change, bytes]] = []

    def show(self, change: Change) -> None:
        self.shown.append((change, self.memory.byte))

    def saying(self, answer: bool) -> Callable[[Change], bool]:
        def confirm(change: Change) -> bool:
            self.show(change)
            return answer

        return confirm


@pytest.fixture
def memory() -> Memory:
    return Memory()


@pytest.fixture
def asking(memory: Memory) -> Asking:
    return Asking(memory)


@pytest.fixture
def target(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> Iterator[JournaledTarget]:
    # Whether it is safe is asked of the kernel's structures, which are not here.
    monkeypatch.setattr(change_module, "objections", lambda view, plan: ())
    with open_journal("9bb022abbd13581e", "6e61fd6b4d500b67", "6.1.176") as writer:
        yield JournaledTarget(writer.text, writer, memory)


def request(consent: Consent, *, yes: bool = False) -> Request:
    return Request(
        action="disarm",
        subject="livepatch_sample",
        dry_run=False,
        force=False,
        yes=yes,
        consent=consent,
    )


def test_without_anybody_to_ask_nothing_is_written(
    target: JournaledTarget, memory: Memory, asking: Asking
) -> None:
    with pytest.raises(NoConsentError, match="nobody can be asked here whether to write"):
        perform(VIEW, request(Consent(confirm=None, show=asking.show)), target, PLAN)
    assert (memory.byte, asking.shown, target.text.operations) == (b"\0", [], [])


def test_who_says_no_is_obeyed(target: JournaledTarget, memory: Memory, asking: Asking) -> None:
    consent = Consent(confirm=asking.saying(False), show=asking.show)
    change = perform(VIEW, request(consent), target, PLAN)
    assert change.outcome == "declined"
    assert [shown.writes for shown, _ in asking.shown] == [(WRITE,)]
    assert (memory.byte, target.text.operations) == (b"\0", [])


def test_who_says_yes_was_shown_it_before(
    target: JournaledTarget, memory: Memory, asking: Asking
) -> None:
    consent = Consent(confirm=asking.saying(True), show=asking.show)
    change = perform(VIEW, request(consent), target, PLAN)
    assert (change.outcome, change.operation) == ("done", 1)
    assert [held for _, held in asking.shown] == [b"\0"]
    assert memory.byte == b"\1"


def test_what_yes_agreed_to_beforehand_is_shown_and_not_asked_about(
    target: JournaledTarget, memory: Memory, asking: Asking
) -> None:
    consent = Consent(confirm=None, show=asking.show)
    assert perform(VIEW, request(consent, yes=True), target, PLAN).outcome == "done"
    assert [(shown.writes, held) for shown, held in asking.shown] == [((WRITE,), b"\0")]
    assert memory.byte == b"\1"


def test_nothing_to_write_is_neither_shown_nor_asked_about(
    target: JournaledTarget, asking: Asking
) -> None:
    consent = Consent(confirm=asking.saying(True), show=asking.show)
    assert perform(VIEW, request(consent), target, Plan()).outcome == "nothing to do"
    assert asking.shown == []
