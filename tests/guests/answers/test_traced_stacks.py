# SPDX-License-Identifier: GPL-2.0-or-later
"""
Stacks while the function graph tracer is at work: it hides return addresses from a plain walk.

The sleeping task of the stalled transition called ``schedule()``, which is traced: where that
returns to, in the function that must be left, is on the task's shadow stack alone. The kernel finds
it there, as its own stalled transition tells.
"""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.cli import klp_debug_json
from tests.support.guest_activity import held_still
from tests.support.tier import by_tier
from vmcores.build.image import image
from vmcores.build.recipe import guest_kernels
from vmcores.guest.guest import Guest
from vmcores.guest.saved_guest import booted_guest
from vmcores.scenarios.scenario import load_scenario

pytestmark = pytest.mark.lab

TRACING = "/sys/kernel/tracing"
TRACED = "schedule"
WAIT_FILE = "/proc/leaf_probe_wait"
WAITS_IN = "leaf_probe_wait_here"
TRIES = 5


@pytest.fixture(
    scope="module",
    params=by_tier(covering=["6.1", "7.2"], full=guest_kernels()),
)
def guest(request: pytest.FixtureRequest) -> Iterator[Guest]:
    """Return a guest whose transition stalls, by a task that was traced when it went to sleep."""
    with booted_guest(image(request.param), memory=load_scenario("stalled").memory) as guest:
        guest.check("insmod /modules/scsi_common.ko; insmod /modules/leaf_probe.ko")
        guest.check(
            f"cd {TRACING}; echo {TRACED} > set_ftrace_filter; echo function_graph > current_tracer"
        )
        guest.check(f"cat {WAIT_FILE} > /dev/null 2>&1 &")
        guest.check("sleep 1; insmod /modules/wait_patch.ko; sleep 5")
        yield guest


@pytest.fixture
def sleeper(guest: Guest) -> int:
    """Return the PID of the one task that has not switched, as the guest itself tells."""
    assert guest.check("cat /sys/kernel/livepatch/wait_patch/transition") == "1\n"
    (pid,) = re.findall(
        r"/proc/(\d+)/", guest.check("grep -l '^0' /proc/[0-9]*/patch_state 2>/dev/null || true")
    )
    return int(pid)


def told(guest: Guest, *words: str, status: int = 0) -> Any:
    target = ("--qemu", guest.qmp_socket, "--symbols", guest.image.vmlinux)
    document = klp_debug_json(*words, *target, status=status)
    assert document["problems"] == []
    return document


def test_what_holds_the_transition_up(guest: Guest, sleeper: int) -> None:
    document = told(guest, "transition", status=1)
    (task,) = (task for task in document["waiting"] if task["trace"]["pid"] == sleeper)
    assert task["hold"] == "on its stack"
    assert f"{WAITS_IN} [leaf_probe]" in task["why"]


def test_the_frame_is_that_of_the_real_caller(guest: Guest, sleeper: int) -> None:
    (task,) = told(guest, "bt", str(sleeper))["tasks"]
    names = [frame["symbol"].partition("+")[0] for frame in task["frames"]]
    traced = [
        name
        for name, frame in zip(names, task["frames"], strict=True)
        if frame["from_shadow_stack"]
    ]
    assert WAITS_IN in traced
    assert names[names.index(WAITS_IN) - 1] == TRACED
    assert "return_to_handler" not in names


def tasks_asleep(guest: Guest) -> list[Any]:
    """Return all tasks that sleep, read while nothing moves and none is about to sleep or wake."""
    for _ in range(TRIES):
        with held_still(guest):
            tasks = [task for task in told(guest, "bt")["tasks"] if not task["running"]]
        if all(task["unreliable"] is None for task in tasks):
            break
    return tasks


def test_every_task_that_sleeps(guest: Guest) -> None:
    """Each has called ``schedule()``; those that did before it was traced have no shadow stack."""
    traced = 0
    for task in tasks_asleep(guest):
        names = [frame["symbol"].partition("+")[0] for frame in task["frames"]]
        assert "return_to_handler" not in names, task
        traced += any(frame["from_shadow_stack"] for frame in task["frames"])
        assert task["unreliable"] is None, task
    assert traced > 1
