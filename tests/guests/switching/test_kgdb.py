# SPDX-License-Identifier: GPL-2.0-or-later
"""
Each mechanism that writes data only, over KGDB, by what the functions return when called.

On one CPU: under TCG, KGDB's system reset may hit another where an interrupt has just come, and
from there no kernel returns (docs/kgdb.md).
"""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace

import pytest

from klp_debug.targets.gdb.memory import StubMemory
from klp_debug.targets.gdb.process import GDB
from klp_debug.targets.gdb.session import GdbOptions, GdbSession
from klp_debug.targets.target import Target
from tests.support.guest_activity import stopped
from tests.support.live_guests import ORIGINALS, REPLACEMENTS, counts, live_guest, run, ten
from tests.support.stopped_guest import opened
from tests.support.tier import by_tier
from tests.support.touched_memory import memory_of
from vmcores.guest.guest import Guest

pytestmark = pytest.mark.lab

COMPLAINTS = ("BUG:", "Oops", "WARNING:", "ftrace bug", "cut here")
LEAF = "/proc/leaf_probe"
TRIES = 5
(READ_OVER_KGDB,) = by_tier(covering=[False], full=[True])
"""What is only read, too; that takes a minute."""
(SWITCHES,) = by_tier(covering=[10], full=[40])
"""Arming and disarming are one each."""


@pytest.fixture(scope="module", params=by_tier(covering=["6.1"], full=["6.1", "6.12", "7.2"]))
def guest(request: pytest.FixtureRequest) -> Iterator[Guest]:
    """Its KGDB listens on its console, hvc0."""
    with live_guest(request.param, smp=1) as guest:
        guest.check("insmod /modules/scsi_common.ko && insmod /modules/leaf_probe.ko")
        for patch in ("leaf_patch", "cmdline_patch_1", "cmdline_patch_2"):
            guest.check(f"load-patch {patch}")
        guest.check("echo hvc0 > /sys/module/kgdboc/parameters/kgdboc")
        yield guest
        assert not [word for word in COMPLAINTS if word in guest.check("dmesg")]


@pytest.fixture(
    params=by_tier(covering=[("7.2", "radix")], full=[("6.1", "hash"), ("7.2", "radix")]),
    ids="-".join,
)
def busy(request: pytest.FixtureRequest) -> Iterator[Guest]:
    """Its KGDB listens, too."""
    with live_guest(*request.param, smp=1) as guest:
        guest.check("echo hvc0 > /sys/module/kgdboc/parameters/kgdboc")
        yield guest
        assert not [word for word in COMPLAINTS if word in guest.check("dmesg")]


def until_safe(
    guest: Guest, changes: Callable[[Target], bool], *, read_by_qmp: bool = False
) -> None:
    """Stop the kernel and make changes; again, if a task was in the way of them."""
    for _ in range(TRIES):
        with (_in_kgdb_and_qmp if read_by_qmp else _in_kgdb)(guest) as target:
            assert target.writable is not None
            assert target.writable.kind == "KGDB"
            if changes(target):
                return
    pytest.fail("it was never safe")


@contextmanager
def _in_kgdb(guest: Guest) -> Iterator[Target]:
    with stopped(guest, guest.machine.folder / "console", enter_kgdb=True) as target:
        yield target


@contextmanager
def _in_kgdb_and_qmp(guest: Guest) -> Iterator[Target]:
    """What is only read does not go over the console, which takes half a minute."""
    options = GdbOptions(
        address=str(guest.machine.folder / "console"), program=GDB, enter_kgdb=True
    )
    with closing(GdbSession(options, lambda told: None)) as session:
        target = opened(guest)
        memory = StubMemory(session, target.prog, target.page_size)
        yield replace(target, debugger=session, writable=memory)


def test_disarm_and_undo(guest: Guest) -> None:
    before = memory_of(guest)
    leaf = guest.check(f"cat {LEAF}")

    def disarm(target: Target) -> bool:
        refused = run(target, "disarm", "ten_patch", "--by", "site", "--yes", "--force")
        assert refused.outcome == "refused"
        assert "answers E14; use ops" in refused.reason
        assert "mapped read-only (STRICT_KERNEL_RWX)" in refused.reason
        for patch, mechanism in (
            ("ten_patch", "ops"),
            ("leaf_patch", "nop"),
            ("cmdline_patch_2", "redirect"),
        ):
            answer = run(target, "disarm", patch, "--by", mechanism, "--yes")
            if answer.outcome == "refused" and answer.objections:
                return False
            assert answer.outcome in ("done", "nothing to do"), answer
        assert [held.mechanism for held in run(target, "status").held] == [
            *["ops"] * 10,
            "nop",
            "redirect",
        ]
        return True

    def undo(target: Target) -> bool:
        answer = run(target, "undo", "--all", "--yes")
        if answer.outcome == "refused" and answer.objections:
            return False
        assert answer.outcome == "done", answer
        assert len(answer.writes) == 12
        assert run(target, "status").held == ()
        return True

    until_safe(guest, disarm, read_by_qmp=not READ_OVER_KGDB)
    assert ten(guest) == ORIGINALS
    assert guest.check(f"cat {LEAF}") != leaf
    assert guest.read("/proc/cmdline") == b"cmdline_patch_1\n"
    assert memory_of(guest) != before
    until_safe(guest, undo, read_by_qmp=True)
    assert ten(guest) == REPLACEMENTS
    assert guest.check(f"cat {LEAF}") == leaf
    assert guest.read("/proc/cmdline") == b"cmdline_patch_2\n"
    assert memory_of(guest) == before
    # The kernel's own books were left alone.
    guest.check("disable-patch ten_patch && rmmod ten_patch")
    assert ten(guest) == ORIGINALS


def test_switched_while_called(busy: Guest) -> None:
    """Every call returns what the original or what the replacement returns, and nothing else."""
    before = memory_of(busy)
    busy.check("echo 0 > /proc/ten_functions")
    for number in range(SWITCHES):
        words = ("undo",) if number % 2 else ("disarm", "ten_patch")
        with _in_kgdb_and_qmp(busy) as target:
            answer = run(target, *words, "--yes", "--force")
        assert answer.outcome == "done", answer
        assert len(answer.writes) == 10
    busy.check("echo stop > /proc/ten_functions", timeout=120)
    original, replacement, other = counts(busy)
    assert other == 0
    assert original > SWITCHES
    assert replacement > SWITCHES
    assert ten(busy) == REPLACEMENTS
    assert memory_of(busy) == before
