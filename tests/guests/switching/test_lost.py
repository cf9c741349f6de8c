# SPDX-License-Identifier: GPL-2.0-or-later
"""
The target, or the way to it, is lost at each step of a disarm of ten functions.

What was written by then stays, and no more: by the guest's memory, by what its functions return,
and by what the journal tells the next to attach, whose `undo` makes it as it was.
"""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from klp_debug.control.journal import journal_path, read_journal
from klp_debug.errors import TargetError
from klp_debug.targets.gdb.memory import StubMemory
from klp_debug.targets.gdb.process import GDB
from klp_debug.targets.gdb.session import GdbOptions, GdbSession
from klp_debug.targets.target import Target
from tests.support.faults import STEPS, TRIED, Steps, broken
from tests.support.gdb_process import gdb_pid
from tests.support.live_guests import ORIGINALS, REPLACEMENTS, change, live_guest, run, running, ten
from tests.support.relay import Relay
from tests.support.stopped_guest import Stub, opened, stopped, stopped_target
from tests.support.tier import by_tier
from vmcores.guest.guest import Guest
from vmcores.guest.live_guest import booted_live_guest

pytestmark = pytest.mark.lab

SEEN = {
    (0, "refused"),  # nothing was begun
    (0, "failed"),  # nothing was written
    *((number, "unfinished") for number in range(11)),
    (10, "done"),
}
"""How many writes were done when it was lost, and what came of it."""
LOST_AT = [*TRIED, STEPS]
"""Before these steps, and behind the last."""
Way = Callable[[Guest, Path], Iterator[tuple[Target, Callable[[], None]]]]


@pytest.fixture(scope="module")
def guest() -> Iterator[Guest]:
    with live_guest("6.1") as guest:
        yield guest


@pytest.fixture(autouse=True)
def _a_journal_is_there(request: pytest.FixtureRequest) -> None:
    """Its first line is written before anything is asked of the stub."""
    if "guest" in request.fixturenames:
        guest = request.getfixturevalue("guest")
        with stopped(guest) as (target, _):
            assert run(target, "disarm", "ten_patch", "--yes", "--force").outcome == "done"
            assert run(target, "undo", "--yes", "--force").outcome == "done"


def through_gdb(guest: Guest, socket: Path) -> tuple[Target, GdbSession]:
    """Stop a guest by a GDB of its own; what is only read goes through QMP, opened once."""
    session = GdbSession(GdbOptions(address=str(socket), program=GDB), lambda told: None)
    target = opened(guest)
    memory = StubMemory(session, target.prog, target.page_size)
    return replace(target, debugger=session, writable=memory), session


def gdb_killed(guest: Guest, folder: Path) -> Iterator[tuple[Target, Callable[[], None]]]:
    target, session = through_gdb(guest, guest.gdb_socket)
    pid = gdb_pid(session)
    try:
        yield target, lambda: os.kill(pid, signal.SIGKILL)
    finally:
        session.close()
    assert running(guest)  # another GDB let it go


def socket_cut(guest: Guest, folder: Path) -> Iterator[tuple[Target, Callable[[], None]]]:
    with Relay(folder / "stub", guest.gdb_socket) as relay:
        target, session = through_gdb(guest, relay.place)
        try:
            yield target, relay.cut
        finally:
            with suppress(TargetError):  # that there is no other way to let it go
                session.close()
    relay.place.unlink()
    assert not running(guest)


def as_called(disarmed: int) -> str:
    """Return what the functions return if the first so many are disarmed."""
    return " ".join(ORIGINALS.split()[:disarmed] + REPLACEMENTS.split()[disarmed:])


@pytest.mark.parametrize("way", [gdb_killed, socket_cut])
def test_the_way_to_it_at_every_step(guest: Guest, way: Way, tmp_path: Path) -> None:
    seen = set()
    for at in LOST_AT:
        with contextmanager(way)(guest, tmp_path) as (target, lose):
            steps = Steps(at, lambda step, lose=lose: lose())  # type: ignore[misc]
            outcome = broken(target, steps, "disarm", "ten_patch")
            if at == STEPS:
                assert len(steps.seen) == STEPS
                lose()
        written = steps.seen[: at + 1].count("written")
        where = f"step {at}, {steps.seen[at : at + 1]}: {outcome}"
        with stopped(guest) as (target, _):
            status = run(target, "status")
            assert len(status.held) == written, where
            for operation in (*status.unfinished, *status.in_force):
                states = [write.state for write in operation.writes]
                assert states == ["held"] * written + ["as before"] * (10 - written), where
            if outcome == "unfinished":
                assert status.unfinished, where
            elif outcome == "done":
                assert (written, status.unfinished) == (10, ()), where
            else:
                assert outcome in ("refused", "failed"), where
                assert (written, status.unfinished) == (0, ()), where
        assert ten(guest) == as_called(written), where
        if status.held or status.unfinished:
            answer, _ = change(guest, "undo", "--force")
            assert answer.outcome == "done", where
        assert ten(guest) == REPLACEMENTS, where
        seen.add((written, outcome))
    assert_seen(seen)


def assert_seen(seen: set[tuple[int, str]]) -> None:
    """Check that no other end was seen; and each, where every step was tried."""
    assert seen <= SEEN
    assert {0, 10} <= {number for number, _ in seen}
    assert seen == SEEN or len(LOST_AT) < STEPS


def test_qemu_killed_at_every_step() -> None:
    """
    Each guest goes on where the first was saved, as a virtual machine is put back to a snapshot.

    So the journal tells of writes that its memory has not; `undo` finds that, and is done.
    """
    seen, left = set(), "refused"
    for at in by_tier(covering=[0, 13, 69, STEPS], full=LOST_AT):
        with live_guest("6.1") as guest:
            outcome, steps = killed_in(guest, at, left)
        left = outcome
        seen.add((steps.seen[: at + 1].count("written"), outcome))
    assert_seen(seen)


def killed_in(guest: Guest, at: int, left: str) -> tuple[str, Steps]:
    """Look at what the guest before left, and end it; then kill QEMU at a step of a disarm."""
    target = stopped_target(guest, Stub(guest.gdb_socket))
    where = f"step {at}, behind {left}"
    status = run(target, "status")
    told = [
        write.state
        for way in (status.unfinished, status.in_force)
        for op in way
        for write in op.writes
    ]
    assert (status.held, status.other_boots) == ((), ()), where
    assert told == (["as before"] * 10 if left in ("unfinished", "done") else []), where
    run(target, "undo", "--yes", "--force")
    status = run(target, "status")
    assert (status.held, status.unfinished, status.in_force) == ((), (), ()), where

    def kill(name: str) -> None:
        os.kill(guest.pid, signal.SIGKILL)
        guest.machine.wait(10)

    steps = Steps(at, kill)
    outcome = broken(target, steps, "disarm", "ten_patch")
    return outcome, steps


def test_a_boot_that_was_killed() -> None:
    """Its journal is named in the next boot, and never applied."""
    with live_guest("6.1") as guest:
        stub = Stub(guest.gdb_socket)
        target = stopped_target(guest, stub)
        boot = str(run(target, "status").boot)
        assert run(target, "disarm", "ten_patch", "--yes", "--force").outcome == "done"
        stub.resume()
        assert ten(guest) == ORIGINALS
        os.kill(guest.pid, signal.SIGKILL)
    text = read_journal(journal_path(target.build_id, boot), boot)
    assert len(text.in_force) == 1
    with booted_live_guest("6.1") as guest:
        with stopped(guest) as (target, _):
            status = run(target, "status")
            assert status.boot != boot
            assert (status.held, status.unfinished, status.in_force) == ((), (), ())
            assert [boot in path for path in status.other_boots] == [True]
            assert run(target, "undo", "--yes").outcome == "nothing to do"
            assert run(target, "arm", "ten_patch", "--yes").outcome == "nothing to do"
        assert ten(guest) == REPLACEMENTS
        answer, _ = change(guest, "disarm", "ten_patch")
        assert (answer.outcome, answer.operation) == ("done", 1)
        assert ten(guest) == ORIGINALS
