# SPDX-License-Identifier: GPL-2.0-or-later
"""
Patches switched under CPUs that call their functions all the time.

Every call returns what the original or what the replacement returns, and nothing else; the kernel
complains of nothing; and afterwards memory is as it was.
"""

import time

import pytest

from tests.support.live_guests import REPLACEMENTS, change, counts, live_guest, run, ten
from tests.support.stopped_guest import stopped
from tests.support.tier import by_tier
from tests.support.touched_memory import memory_of

pytestmark = pytest.mark.lab

(SWITCHES,) = by_tier(covering=[40], full=[200])
"""Arming and disarming are one each."""
(CAREFUL_SWITCHES,) = by_tier(covering=[10], full=[20])
"""Without --force, when it waits until nobody is in the way."""
COMPLAINTS = ("BUG:", "Oops", "WARNING:", "ftrace bug", "cut here", "soft lockup", "hung task")
CALLERS_PAUSE = 20_000
"""Microseconds between the passes of callers that are mostly out of the way."""


@pytest.mark.parametrize(
    ("kernel", "mmu", "smp"),
    by_tier(
        covering=[("6.1", "hash", 4)],
        full=[("6.1", "hash", 4), ("6.12", "radix", 2), ("7.2", "radix", 4), ("7.2", "hash", 2)],
    ),
)
def test_switched_under_busy_cpus(
    kernel: str, mmu: str, smp: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with live_guest(kernel, mmu, smp=smp) as guest:
        before = memory_of(guest)
        guest.check("echo 0 > /proc/ten_functions")
        pauses: list[float] = []
        trips: list[int] = []
        start = time.monotonic()
        for number in range(SWITCHES):
            words = ("undo",) if number % 2 else ("disarm", "ten_patch")
            with stopped(guest) as (target, stub):
                trips_before, began = stub.round_trips, time.monotonic()
                answer = run(target, *words, "--yes", "--force")
                pauses.append(time.monotonic() - began)
                trips.append(stub.round_trips - trips_before)
            assert answer.outcome == "done", answer
            assert len(answer.writes) == 10
        took = time.monotonic() - start
        guest.check("echo stop > /proc/ten_functions", timeout=120)
        original, replacement, other = counts(guest)
        log = guest.check("dmesg")
        assert other == 0
        assert original > SWITCHES
        assert replacement > SWITCHES
        assert not [word for word in COMPLAINTS if word in log]
        assert ten(guest) == REPLACEMENTS
        assert memory_of(guest) == before
        with capsys.disabled():
            print(  # noqa: T201
                f"\n{kernel}, {smp} CPUs: {SWITCHES} switches of 10 functions in {took:.0f} s,"
                f" {original} calls of originals, {replacement} of replacements; pause for one"
                f" {sorted(pauses)[len(pauses) // 2] * 1000:.0f} ms (median;"
                f" {max(pauses) * 1000:.0f} ms at most), {max(trips)} round trips"
            )


@pytest.mark.parametrize("kernel", by_tier(covering=["7.2"], full=["6.1", "7.2"]))
def test_switched_carefully(kernel: str) -> None:
    """What is refused while a task is in the way is done a moment later."""
    with live_guest(kernel) as guest:
        guest.check(f"echo {CALLERS_PAUSE} > /proc/ten_functions")
        for number in range(CAREFUL_SWITCHES):
            words = ("undo",) if number % 2 else ("disarm", "ten_patch")
            answer, _ = change(guest, *words)
            assert answer.outcome == "done", answer
            assert answer.objections == ()
            guest.check("usleep 200000")  # so that each version is called
        guest.check("echo stop > /proc/ten_functions")
        original, replacement, other = counts(guest)
        assert other == 0
        assert original
        assert replacement
        assert ten(guest) == REPLACEMENTS
