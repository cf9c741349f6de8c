# SPDX-License-Identifier: GPL-2.0-or-later
"""Refusals: what the kernel is in the middle of, and who is inside a function."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from klp_debug.errors import TargetError
from klp_debug.result.control import Change
from klp_debug.targets.target import Target
from klp_debug.targets.writable import StubVendor
from tests.support.live_guests import done, live_guest, refusal, run
from tests.support.stopped_guest import Stub, stopped
from tests.support.tier import by_tier
from vmcores.guest.guest import Guest
from vmcores.guest.live_guest import settle

pytestmark = pytest.mark.lab

TRIES = 20


@pytest.fixture(scope="module", params=by_tier(covering=["7.2"], full=["6.1", "7.2"]))
def guest(request: pytest.FixtureRequest) -> Iterator[Guest]:
    with live_guest(request.param) as guest:
        guest.check("insmod /modules/scsi_common.ko && insmod /modules/leaf_probe.ko")
        guest.check("load-patch leaf_patch")
        yield guest


def ids(target: Target, *words: str) -> list[str]:
    """Return what speaks against a change that is refused for that."""
    answer = run(target, *words, "--yes")
    assert answer.outcome == "refused"
    assert not answer.clean
    return [objection.id for objection in answer.objections]


def quiet(guest: Guest) -> None:
    """See that nothing speaks against a change of leaf_patch when nobody is in the way."""
    done(guest, "disarm", "leaf_patch")
    done(guest, "undo")


@contextmanager
def value(stub: Stub, address: int, data: bytes) -> Iterator[None]:
    """Put a value for a while."""
    before = stub.read(address, len(data))
    stub.write(address, data)
    try:
        yield
    finally:
        stub.write(address, before)


@pytest.mark.parametrize(
    ("mutex", "id_"),
    [
        ("klp_mutex", "klp-mutex-held"),
        ("ftrace_lock", "ftrace-lock-held"),
        ("text_mutex", "text-mutex-held"),
    ],
)
def test_a_mutex_that_is_held(guest: Guest, mutex: str, id_: str) -> None:
    quiet(guest)
    with stopped(guest) as (target, stub):
        owner = target.prog[mutex].owner.counter.address_
        holder = target.prog["init_task"].address_
        with value(stub, owner, (holder | 1).to_bytes(8, "little")):  # with MUTEX_FLAG_WAITERS
            answer = run(target, "disarm", "leaf_patch", "--yes")
            told = {objection.id: objection.text for objection in answer.objections}
            assert answer.outcome == "refused"
            assert told[id_].startswith(f"{mutex} is held by swapper/0 (0): ")
            forced = run(target, "disarm", "leaf_patch", "--yes", "--force")
            assert forced.outcome == "done"
            assert id_ in [objection.id for objection in forced.objections]
            (operation,) = run(target, "status").in_force
            assert id_ in operation.forced
            assert run(target, "undo", "--yes", "--force").outcome == "done"


@contextmanager
def asleep_in(guest: Guest, function: str) -> Iterator[str]:
    """Let a task sleep in a function for a while; gives its PID."""
    pid = guest.check(f"start-sleeper {function}").strip()
    try:
        yield pid
    finally:
        guest.check(f"kill {pid}; while [ -d /proc/{pid} ]; do usleep 20000; done")


def inside(answer: Change) -> list[str]:
    """Return the PIDs of the tasks that are inside a function."""
    found = [each for each in answer.objections if each.id == "task-inside"]
    return [str(each.task.pid) for each in found if each.task is not None]


def test_a_sleeper_in_a_replacement(guest: Guest) -> None:
    """
    The task sleeps below the replacement: refused, with its stack; another patch may be switched.

    Once it has left, nothing is in the way; a task in the original is in the way of arming.
    """
    guest.check("load-patch sleep_patch")
    with asleep_in(guest, "sleeping_scsi_set_sense_information") as pid:
        quiet(guest)
        with stopped(guest) as (target, _):
            answer = run(target, "disarm", "sleep_patch", "--yes")
            assert answer.outcome == "refused"
            assert inside(answer) == [pid]
            (told,) = [each for each in answer.objections if each.id == "task-inside"]
            assert "is inside sleeping_leaf_probe_wait_here [sleep_patch]" in told.text
            assert told.task.in_patched
            other = ("disarm", "sleep_patch", "--function", "scsi_set_sense_information", "--yes")
            assert inside(run(target, *other)) == [pid]
    done(guest, "disarm", "sleep_patch")
    with asleep_in(guest, "leaf_probe_wait_here") as pid:
        with stopped(guest) as (target, _):
            answer = run(target, "undo", "--yes")
        assert answer.outcome == "refused"
        assert inside(answer) == [pid]
    done(guest, "undo")
    guest.check("disable-patch sleep_patch && rmmod sleep_patch")


def test_a_runner_in_a_replacement(guest: Guest) -> None:
    """It never sleeps: its stack is told by its CPU's registers, and without them nothing is."""
    guest.check("load-patch spin_patch")
    pid = guest.check("start-spinner").strip()
    try:
        for _ in range(TRIES):
            with stopped(guest) as (target, _):
                answer = run(target, "disarm", "spin_patch", "--yes")
                assert answer.outcome == "refused"
                blind = replace(target, debugger=None)
                assert "registers-unknown" in ids(blind, "disarm", "spin_patch")
                # An interrupt may be in between, whose handler then is what objects.
                if inside(answer) == [pid]:
                    break
        else:
            pytest.fail("the spinner was never seen in its loop")
    finally:
        guest.check("echo 1 > /sys/module/spin_patch/parameters/stop")
    guest.check(f"while [ -d /proc/{pid} ]; do usleep 20000; done")
    done(guest, "disarm", "spin_patch")
    done(guest, "undo")
    guest.check("disable-patch spin_patch && rmmod spin_patch")


def test_a_transition(guest: Guest) -> None:
    guest.check("stall-patch wait_patch")
    try:
        with stopped(guest) as (target, _):
            assert "transition-in-progress" in ids(target, "disarm", "leaf_patch")
    finally:
        guest.check("echo 1 > /proc/leaf_probe_wait")
        settle(guest, "wait_patch")
        guest.check("disable-patch wait_patch && rmmod wait_patch")
    quiet(guest)


def test_what_cannot_be_meant(guest: Guest, captured: object) -> None:
    with stopped(guest) as (target, stub):
        assert refusal(target, "disarm", "leaf_pach", "--yes") == (
            "no live patch leaf_pach; there are: ten_patch, leaf_patch"
        )
        assert refusal(target, "disarm", "leaf_patch", "--function", "memcpy", "--yes") == (
            "leaf_patch patches no function memcpy; it patches: int_to_scsilun"
        )
        sentence = refusal(target, "disarm", "leaf_patch")
        assert sentence == "nobody can be asked here whether to write: say --yes, or --dry-run"
        told: list[Change] = []

        def no(plan: Change) -> bool:
            told.append(plan)
            return False

        answer = run(target, "disarm", "leaf_patch", confirm=no)
        assert answer.outcome == "declined"
        assert told[0].writes == answer.writes
        before = stub.read(answer.writes[0].address, 8)
        assert before == answer.writes[0].old_bytes
        answer = run(target, "arm", "leaf_patch", "--yes")
        assert (answer.outcome, answer.skipped) == (
            "nothing to do",
            ("int_to_scsilun [scsi_common]: not disarmed",),
        )
        with pytest.raises(TargetError, match="nothing can be written to this QEMU guest"):
            run(replace(target, writable=None, source="QEMU guest"), "disarm", "leaf_patch")
        kgdb = replace(target, writable=_Kgdb(stub))
        answer = run(kgdb, "disarm", "leaf_patch", "--by", "site", "--yes")
        assert answer.outcome == "refused"
        assert "it answers E14; use ops" in answer.reason
        answer = run(target, "disarm", "leaf_patch", "--by", "redirect", "--yes")
        assert "no other patch is below it" in answer.reason


class _Kgdb:
    kind: StubVendor = "KGDB"

    def __init__(self, stub: Stub) -> None:
        self.read = stub.read
        self.write = stub.write


def test_what_nobody_is_asked_about_is_shown_before(guest: Guest) -> None:
    quiet(guest)
    with stopped(guest) as (target, stub):
        shown: list[Change] = []

        def show(plan: Change) -> None:
            for write in plan.writes:
                assert stub.read(write.address, write.size) == write.old_bytes
            shown.append(plan)

        answer = run(target, "disarm", "leaf_patch", "--yes", "--force", show=show)
        assert answer.outcome == "done"
        assert [plan.writes for plan in shown] == [answer.writes]
        run(target, "disarm", "leaf_patch", "--dry-run", show=show)
        run(target, "disarm", "leaf_patch", "--yes", show=show)  # nothing to do
        assert len(shown) == 1
        assert run(target, "undo", "--yes", "--force", show=show).outcome == "done"
        assert shown[1].writes == tuple(write.reverse for write in answer.writes)


def test_another_ops_on_the_site(guest: Guest) -> None:
    """Its tracer would be blinded too, so site is refused; ops leaves it alone."""
    trace = "/sys/kernel/tracing"
    if guest.run(f"grep -qw function {trace}/available_tracers").status:
        pytest.skip("this kernel has no function tracer")
    guest.check(
        f"echo int_to_scsilun > {trace}/set_ftrace_filter; echo function > {trace}/current_tracer"
    )
    try:
        with stopped(guest) as (target, _):
            answer = run(target, "disarm", "leaf_patch", "--by", "site", "--yes", "--force")
        assert "its site serves another ftrace_ops too" in answer.reason
        done(guest, "disarm", "leaf_patch")
        guest.check(f"echo > {trace}/trace")
        assert "d2040b03" in guest.check("cat /proc/leaf_probe")
        assert "int_to_scsilun" in guest.check(f"grep -v '^#' {trace}/trace")
        done(guest, "undo")
        assert "a5a5a5a5" in guest.check("cat /proc/leaf_probe")
    finally:
        guest.check(f"echo nop > {trace}/current_tracer; echo > {trace}/set_ftrace_filter")


def test_journal_is_where_the_state_is(guest: Guest, state_home: Path) -> None:
    quiet(guest)
    (path,) = (state_home / "klp-debug" / "journal").iterdir()
    with stopped(guest) as (target, _):
        journal = run(target, "journal")
        assert journal.path == str(path)
        assert [operation.action for operation in journal.operations] == ["disarm", "undo"]
