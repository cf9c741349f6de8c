# SPDX-License-Identifier: GPL-2.0-or-later
"""
A disarm of ten functions, broken at each of its steps, in a guest.

Afterwards all functions are as they were or all are disarmed; or the next to attach is told that it
was cut short, and `undo` makes it as it was.
"""

import os
from collections.abc import Callable, Iterator

import pytest

from klp_debug.kernel.livepatch import for_each_klp_ops
from klp_debug.targets.target import Target
from tests.support.faults import (
    STEPS,
    TRIED,
    Steps,
    broken,
    disk_full,
    gone,
    interrupted,
    killed,
    refused,
)
from tests.support.live_guests import (
    REPLACEMENTS,
    done,
    live_guest,
    run,
    running,
    ten,
)
from tests.support.stopped_guest import Stub, stopped, stopped_target
from tests.support.tier import by_tier
from vmcores.guest.guest import Guest

pytestmark = pytest.mark.lab

FAULTS = [
    (refused, "once"),
    (refused, "from then on"),
    (disk_full, "from then on"),
    (interrupted, "once"),
]


@pytest.fixture(scope="module")
def guest() -> Iterator[Guest]:
    with live_guest("6.1") as guest:
        yield guest


@pytest.fixture(autouse=True)
def _as_it_was(guest: Guest) -> Iterator[None]:
    # The first line of a journal is another step, before all others.
    with stopped(guest) as (target, _):
        assert run(target, "disarm", "ten_patch", "--yes", "--force").outcome == "done"
        assert run(target, "undo", "--yes", "--force").outcome == "done"
    yield
    with stopped(guest) as (target, _):  # what a test that failed has left
        run(target, "undo", "--all", "--yes", "--force")
    assert ten(guest) == REPLACEMENTS


def words(target: Target) -> list[str | None]:
    """Return what holds each function, by the guest's memory."""
    stacks = for_each_klp_ops(target.prog)
    stub = target.prog.symbol("ftrace_stub").address
    return ["ops" if ops.fops.func.value_() == stub else None for ops in stacks]


ALL: list[str | None] = ["ops"] * 10
NONE: list[str | None] = [None] * 10


def test_the_steps_are_those(guest: Guest) -> None:
    steps = Steps()
    with stopped(guest) as (target, _):
        assert broken(target, steps, "disarm", "ten_patch") == "done"
        assert run(target, "undo", "--yes", "--force").outcome == "done"
    assert len(steps.seen) == STEPS
    assert steps.seen[10:] == [
        "journal begin",
        *["journal intent", "read", "write", "written", "read", "journal done"] * 10,
        "journal end",
    ]


# A user who presses Ctrl-C for ever presses it while all is taken back, too.
@pytest.mark.parametrize(
    ("fault", "how_long"), by_tier(covering=FAULTS, full=[*FAULTS, (disk_full, "once")])
)
def test_at_every_step(guest: Guest, fault: Callable[[str], None], how_long: str) -> None:
    lasts = how_long == "from then on"
    outcomes = set()
    with stopped(guest) as (target, _):
        for at in TRIED:
            steps = Steps(at, fault, lasts)
            outcome = broken(target, steps, "disarm", "ten_patch")
            outcomes.add(outcome)
            now = words(target)
            status = run(target, "status")
            where = f"step {at} of {STEPS} ({steps.seen[at]}): {outcome}"
            if outcome == "done":
                assert now == ALL, where
                assert not status.unfinished, where
            elif outcome in ("failed", "refused", "raised"):
                assert now == NONE, where
            else:
                assert outcome == "unfinished", where
                assert status.unfinished, where
            if now != NONE or status.unfinished:
                if status.unfinished and at in TRIED[:: max(1, len(TRIED) // 10)]:
                    # Nothing else is begun before.
                    again = run(target, "disarm", "ten_patch", "--yes", "--force")
                    assert again.outcome == "refused", where
                assert run(target, "undo", "--yes", "--force").outcome == "done", where
                assert words(target) == NONE, where
        assert not run(target, "status").unfinished
        assert run(target, "undo", "--yes").outcome == "nothing to do"
    expected: dict[tuple[Callable[[str], None], bool], set[str]] = {
        (refused, False): {"failed", "refused", "done"},
        (refused, True): {"failed", "refused", "unfinished", "done"},
        (disk_full, False): {"failed", "refused", "done"},
        (disk_full, True): {"failed", "refused", "done"},
        (interrupted, False): {"raised"},
    }
    assert outcomes <= expected[fault, lasts]
    assert outcomes & {"failed", "unfinished", "raised"}


def test_the_tool_is_killed_at_every_step(guest: Guest) -> None:
    """kill -9 of a process of its own; the target stays stopped, as a dropped stub leaves it."""
    cut_short = 0
    tried = [at for at in TRIED if at >= 10]  # before the first line nothing was begun
    for at in tried:
        stub = Stub(guest.gdb_socket)
        target = stopped_target(guest, stub)
        child = os.fork()
        if child == 0:
            broken(target, Steps(at, killed), "disarm", "ten_patch")
            os._exit(0)
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status), at
        stub.cut()
        assert not running(guest)
        with stopped(guest) as (target, _):
            told = run(target, "status")
            now = words(target)
            if told.unfinished:
                cut_short += 1
                (operation,) = told.unfinished
                held = [write.state for write in operation.writes].count("held")
                assert held == now.count("ops"), at
                assert run(target, "undo", "--yes", "--force").outcome == "done"
            elif told.in_force:
                assert now == ALL
                assert run(target, "undo", "--yes", "--force").outcome == "done"
            assert words(target) == NONE, at
    assert cut_short == len(tried) - 1  # all but before begin


def test_an_undo_that_is_cut_short_is_brought_to_its_end(guest: Guest) -> None:
    with stopped(guest) as (target, _):
        run(target, "disarm", "ten_patch", "--yes", "--force")
        for _ in range(3):
            # Behind the second write of those that are left, or the third.
            steps = Steps(("written", 2), gone, lasts=True)
            assert broken(target, steps, "undo") == "unfinished"
            assert set(words(target)) == {"ops", None}
        answer = run(target, "undo", "--yes", "--force")
        assert answer.outcome == "done"
        assert words(target) == NONE
        status = run(target, "status")
        assert not status.unfinished
        assert not status.in_force


def test_something_else_wrote_there_meanwhile(guest: Guest) -> None:
    """Neither what was written nor what was there before: undo does not guess."""
    answer = done(guest, "disarm", "ten_patch", "--function", "ten_function_3")
    (write,) = answer.writes
    with stopped(guest) as (target, stub):
        stub.write(write.address, (int(write.new) + 4).to_bytes(8, "little"))
        (operation,) = run(target, "status").in_force
        assert [each.state for each in operation.writes] == ["changed"]
        answer = run(target, "undo", "--yes", "--force")
        assert answer.outcome == "refused"
        assert "something else changed it" in answer.reason
        stub.write(write.address, write.new_bytes)
    done(guest, "undo")
