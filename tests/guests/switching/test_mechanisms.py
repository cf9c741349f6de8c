# SPDX-License-Identifier: GPL-2.0-or-later
"""
Each mechanism on each kernel, by the guest's own word: what its functions do when called.

Then the kernel itself disables, unloads and loads the patch again.
"""

import itertools
from collections.abc import Iterator

import pytest

from tests.support.live_guests import (
    CASES,
    ORIGINALS,
    REPLACEMENTS,
    TEN,
    done,
    live_guest,
    run,
    ten,
)
from tests.support.stopped_guest import stopped
from tests.support.tier import by_tier
from tests.support.touched_memory import memory_of
from vmcores.guest.guest import Guest
from vmcores.guest.live_guest import load_live_patch

pytestmark = pytest.mark.lab

MAY_OOPS = ("BUG:", "Oops", "WARNING:", "ftrace bug", "------------[ cut here")


ON_ONE = pytest.mark.parametrize(
    "guest", by_tier(covering=CASES[-1:], full=CASES), ids="-".join, indirect=True
)
"""What does not depend on how a site is armed."""


@pytest.fixture(scope="module", params=CASES, ids="-".join)
def guest(request: pytest.FixtureRequest) -> Iterator[Guest]:
    kernel, mmu = request.param
    with live_guest(kernel, mmu) as guest:
        guest.check("load-patch cmdline_patch_1 && load-patch cmdline_patch_2")
        yield guest


@pytest.fixture(autouse=True)
def _nothing_is_wrong(guest: Guest) -> Iterator[None]:
    yield
    assert ten(guest) == REPLACEMENTS
    log = guest.check("dmesg")
    assert not [word for word in MAY_OOPS if word in log]
    with stopped(guest) as (target, _):
        assert run(target, "audit").findings == ()
        assert run(target, "status").held == ()


@pytest.mark.parametrize("mechanism", ["ops", "nop", "site"])
def test_of_one_patch(guest: Guest, mechanism: str) -> None:
    before = memory_of(guest)
    answer = done(guest, "disarm", "ten_patch", "--by", mechanism)
    assert [write.function for write in answer.writes] == TEN
    assert ten(guest) == ORIGINALS
    after = memory_of(guest)
    assert sum(a != b for a, b in itertools.zip_longest(before, after)) > 0
    with stopped(guest) as (target, _):
        listed = run(target, "list").patches
        found = [
            (f.disarmed, f.runs)
            for p in listed
            if p.name == "ten_patch"
            for o in p.objects
            for f in o.functions
        ]
        assert found == [(mechanism, "original")] * 10
        assert {finding.id for finding in run(target, "audit").findings} == {"disarmed-by-debugger"}
        assert [held.function for held in run(target, "status").held] == TEN
        function = run(target, "func", "ten_function_3")
        assert "a debugger holds it disarmed, ten_patch" in function.runs
    done(guest, "undo")
    assert ten(guest) == REPLACEMENTS
    assert memory_of(guest) == before


@ON_ONE
def test_one_function_alone(guest: Guest) -> None:
    done(guest, "disarm", "ten_patch", "--function", "ten_function_4")
    assert ten(guest) == REPLACEMENTS.replace("2004", "1004")
    done(guest, "disarm", "ten_patch")
    assert ten(guest) == ORIGINALS
    done(guest, "arm", "ten_patch")


def test_on_top_of_another_patch(guest: Guest) -> None:
    answer = done(guest, "disarm", "cmdline_patch_2")
    assert [write.mechanism for write in answer.writes] == ["redirect"]
    assert guest.read("/proc/cmdline") == b"cmdline_patch_1\n"
    done(guest, "arm", "cmdline_patch_2")
    assert guest.read("/proc/cmdline") == b"cmdline_patch_2\n"


@ON_ONE
def test_a_patch_below_another_has_nothing_to_write(guest: Guest) -> None:
    with stopped(guest) as (target, _):
        answer = run(target, "disarm", "cmdline_patch_1", "--yes")
    assert answer.outcome == "refused"
    assert answer.skipped == ("cmdline_proc_show: overridden by cmdline_patch_2: does not run",)


def disable_and_load_again(guest: Guest) -> None:
    guest.check("disable-patch ten_patch && rmmod ten_patch")
    assert ten(guest) == ORIGINALS
    load_live_patch(guest, "ten_patch")


@ON_ONE
def test_the_kernel_disables_what_ops_holds(guest: Guest) -> None:
    """The new klp_ops call klp_ftrace_handler; the old writes are not applied to them."""
    done(guest, "disarm", "ten_patch", "--by", "ops")
    disable_and_load_again(guest)
    assert ten(guest) == REPLACEMENTS
    with stopped(guest) as (target, _):
        status = run(target, "status")
        assert status.held == ()
        assert status.in_force == ()
        (operation,) = (o for o in run(target, "journal").operations if o.result == "done")
        states = {write.state for write in operation.writes}
        assert "held" not in states
        assert "changed" not in states
        answer = run(target, "undo", "--yes")
        assert (answer.outcome, answer.writes, answer.clean) == ("nothing left", (), False)
        assert run(target, "undo", "--yes").outcome == "nothing to do"


@ON_ONE
def test_the_kernel_disables_what_redirect_holds(guest: Guest) -> None:
    done(guest, "disarm", "cmdline_patch_2")
    guest.check("disable-patch cmdline_patch_2 && rmmod cmdline_patch_2")
    assert guest.read("/proc/cmdline") == b"cmdline_patch_1\n"
    guest.check("load-patch cmdline_patch_2")
    assert guest.read("/proc/cmdline") == b"cmdline_patch_2\n"
    with stopped(guest) as (target, _):
        assert run(target, "undo", "--yes").outcome == "nothing left"


@ON_ONE
@pytest.mark.parametrize("mechanism", ["nop", "site"])
def test_the_kernel_disables_what_was_taken_back(guest: Guest, mechanism: str) -> None:
    """nop and site must be taken back before, and then leave nothing."""
    done(guest, "disarm", "ten_patch", "--by", mechanism)
    done(guest, "arm", "ten_patch")
    disable_and_load_again(guest)


@ON_ONE
def test_a_patch_that_is_loaded_on_top_does_not_run_under_ops(guest: Guest) -> None:
    """As the answer of disarm says."""
    guest.check("disable-patch cmdline_patch_2 && rmmod cmdline_patch_2")
    done(guest, "disarm", "cmdline_patch_1", "--by", "ops")
    guest.check("load-patch cmdline_patch_2")
    assert b"cmdline_patch" not in guest.read("/proc/cmdline")
    done(guest, "undo")
    assert guest.read("/proc/cmdline") == b"cmdline_patch_2\n"


@ON_ONE
def test_another_user_arms_what_the_kernel_tells(
    guest: Guest, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    for mechanism in ("ops", "nop", "site"):
        done(guest, "disarm", "ten_patch", "--by", mechanism)
        with monkeypatch.context() as other:
            other.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("other")))
            with stopped(guest) as (target, _):
                status = run(target, "status")
                assert [(h.function, h.operation) for h in status.held] == [(f, None) for f in TEN]
            if mechanism != "site":
                done(guest, "arm", "ten_patch")
                assert ten(guest) == REPLACEMENTS
            else:
                with stopped(guest) as (target, _):
                    answer = run(target, "arm", "ten_patch", "--yes")
                assert answer.outcome == "refused"
                assert "not by this journal" in answer.reason
        # Our own journal finds it armed already, where the other user has done it.
        done(guest, "undo")
