# SPDX-License-Identifier: GPL-2.0-or-later
"""
What a debugger holds goes over to the patch that replaces the one it was disarmed of.

A cumulative patch takes over the ``klp_ops`` of each function, and with it what a debugger wrote
there. The guest's own word is what the function does when it is called.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.live_guests import CASES, done, live_guest, run
from tests.support.stopped_guest import stopped
from tests.support.tier import by_tier
from vmcores.guest.guest import Guest

pytestmark = pytest.mark.lab

FUNCTION = "cmdline_proc_show"


@pytest.fixture(params=by_tier(covering=CASES[-1:], full=CASES), ids="-".join)
def guest(request: pytest.FixtureRequest) -> Iterator[Guest]:
    """Return a guest whose cmdline_patch_1 was disarmed, and then replaced by replace_patch."""
    kernel, mmu = request.param
    with live_guest(kernel, mmu) as guest:
        guest.check("insmod /modules/scsi_common.ko; load-patch cmdline_patch_1")
        assert runs(guest) == "cmdline_patch_1"
        done(guest, "disarm", "cmdline_patch_1", "--by", "ops")
        guest.check("load-patch replace_patch")
        assert guest.check("ls /sys/kernel/livepatch") == "replace_patch\n"
        assert runs(guest) == "original"
        yield guest


def runs(guest: Guest) -> str:
    said = guest.check("cat /proc/cmdline").strip()
    return "original" if said.startswith("console=") else said


def test_the_new_patch_is_told_to_be_held(guest: Guest) -> None:
    with stopped(guest) as (target, _):
        (held,) = run(target, "status").held
        (operation,) = run(target, "status").in_force
        functions = {
            function.old_name: function.runs
            for patch in run(target, "list").patches
            for obj in patch.objects
            for function in obj.functions
        }
    assert (held.patch, held.function, held.mechanism) == ("replace_patch", FUNCTION, "ops")
    assert (held.operation, held.done_for) == (operation.number, "cmdline_patch_1")
    assert functions[FUNCTION] == "original"
    assert functions["int_to_scsilun"] == "replacement"


def test_undo_lets_it_run(guest: Guest) -> None:
    answer = done(guest, "undo")
    assert [write.function for write in answer.writes] == [FUNCTION]
    assert runs(guest) == "replace_patch"
    with stopped(guest) as (target, _):
        assert run(target, "status").clean
        assert run(target, "audit").findings == ()
        assert run(target, "undo", "--yes").outcome == "nothing to do"


def test_arm_lets_it_run_and_the_journal_knows(guest: Guest) -> None:
    done(guest, "arm", "replace_patch")
    assert runs(guest) == "replace_patch"
    with stopped(guest) as (target, _):
        assert run(target, "status").held == ()
        disarmed, armed = run(target, "journal").operations
        assert (disarmed.action, disarmed.in_force) == ("disarm", False)
        assert (armed.action, armed.patch) == ("arm", "replace_patch")


def test_what_another_journal_holds_is_refused_by_name(
    guest: Guest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    with stopped(guest) as (target, _):
        answer = run(target, "undo", "--yes")
    assert answer.outcome == "refused"
    assert answer.reason.startswith(f"{FUNCTION}: held disarmed by ops, and not by this journal")
    assert "klp-debug arm replace_patch" in answer.reason
    assert runs(guest) == "original"
