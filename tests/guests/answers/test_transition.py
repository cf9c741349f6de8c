# SPDX-License-Identifier: GPL-2.0-or-later
"""``transition`` and ``bt`` against what /proc says of each task, on every kernel."""

from typing import Any

import pytest

from tests.conftest import Captured
from tests.support.cli import klp_debug_json, klp_debug_run, refusal
from tests.support.tier import cases
from vmcores.oracle.oracle import Task
from vmcores.scenarios.capture import CaptureSet

pytestmark = pytest.mark.lab

STALLED = [(name, mmu, kernel) for name in ("stalled", "replacing") for kernel, mmu in cases(name)]


@pytest.fixture(params=STALLED, ids="-".join)
def stalled(request: pytest.FixtureRequest, captured: Captured) -> CaptureSet:
    return captured(*request.param)


def target(captures: CaptureSet) -> tuple[Any, ...]:
    kind = captures.scenario.captures[0]
    return "--core", captures.path(kind), "--symbols", captures.image.vmlinux


def functions(trace: Any) -> list[str]:
    """Return the functions of a stack as /proc/PID/stack names them."""
    names = []
    for frame in trace["frames"]:
        if not frame["inlined"]:
            name, _, rest = frame["symbol"].partition("+")
            _, bracket, module = rest.partition(" [")
            names.append(f"{name}{bracket}{module}")
    return names


def agree(trace: Any, said: Task) -> None:
    """
    Compare a stack with /proc/PID/stack, which leaves the scheduler's own functions out.

    That may begin with a line of no meaning: what the frame of a switch has as its return address
    can be left from long ago (arch_stack_walk_reliable() skips it, too).
    """
    scheduler = ("__switch_to", "__schedule", "schedule")
    ours = [name for name in functions(trace) if name not in scheduler]
    theirs = [name for name in said.stack if name not in scheduler]
    assert ours == theirs[-len(ours) :]
    assert len(theirs) <= len(ours) + 1


def waiting(captures: CaptureSet) -> Task:
    (task,) = (task for task in captures.oracle.transition_tasks if task.patch_state == 0)
    return task


def test_the_task_that_waits(stalled: CaptureSet) -> None:
    said = waiting(stalled)
    document = klp_debug_json("transition", *target(stalled), status=1)
    assert document["problems"] == []
    assert [document["patch"]] == [
        patch.name for patch in stalled.oracle.patches if patch.transition
    ]
    assert document["direction"] == "patching"
    (task,) = document["waiting"]
    assert (task["trace"]["pid"], task["trace"]["comm"]) == (said.pid, said.comm)
    assert task["hold"] == "on its stack"
    assert "leaf_probe_wait_here [leaf_probe]" in task["why"]
    # The kernel sets the flag for every task, and clears it as it switches.
    assert task["pending"]
    agree(task["trace"], said)
    assert task["trace"]["unreliable"] is None
    assert [
        (frame["symbol"].partition("+")[0], frame["role"])
        for frame in task["trace"]["frames"]
        if frame["role"]
    ] == [("leaf_probe_wait_here", "original")]
    # The idle tasks are not in /proc: one for each of the guest's two CPUs.
    switched = sum(task.patch_state == 1 for task in stalled.oracle.transition_tasks)
    assert document["switched"] >= switched - 2


def test_bt_of_the_task_that_waits(stalled: CaptureSet) -> None:
    said = waiting(stalled)
    by_pid = klp_debug_json("bt", str(said.pid), *target(stalled))
    agree(by_pid["tasks"][0], said)
    patched = klp_debug_json("bt", "--in-patched", *target(stalled))
    assert by_pid["tasks"] == patched["tasks"]
    by_name = klp_debug_json("bt", said.comm, *target(stalled))
    assert by_name["tasks"] == by_pid["tasks"]


def test_all_tasks(stalled: CaptureSet) -> None:
    """All of /proc are there; those that came and went meanwhile are let pass."""
    document = klp_debug_json("bt", *target(stalled))
    assert document["problems"] == []
    found = {task["pid"]: task["comm"] for task in document["tasks"]}
    said = {task.pid: task.comm for task in stalled.oracle.transition_tasks}
    assert len(said) > 20
    for pid, comm in said.items():
        # The oracle's own processes have ended. /proc has longer names of kernel threads.
        assert comm in ("sh", "tell-oracle") or comm.startswith(found[pid])
    idle = [task["comm"] for task in document["tasks"] if task["pid"] == 0]
    assert idle == ["swapper/0", "swapper/1"]
    for task in document["tasks"]:
        assert task["frames"], task
        assert task["livepatch_stack"] == []


def test_a_crash(captured: Captured) -> None:
    """The crashed CPU's stack is what the guest's console printed of it."""
    captures = captured("patched", "radix", "7.2")
    document = klp_debug_json("bt", *target(captures))
    (crashed,) = (
        task
        for task in document["tasks"]
        if any(frame["symbol"].startswith("sysrq_handle_crash+") for frame in task["frames"])
    )
    assert crashed["running"]
    assert klp_debug_json("bt", "crashed", *target(captures))["tasks"] == [crashed]
    names = functions(crashed)
    console = captures.console_log.read_text(errors="replace")
    printed = [
        line.split("] ")[-1].split("+")[0]
        for line in console[console.index("Call Trace:") :].splitlines()
        if "+0x" in line
    ]
    assert printed[-1] == names[-1]
    assert [name for name in printed if name in names] == [
        name for name in names if name in printed
    ]
    assert names.index("sysrq_handle_crash") < names.index("ksys_write")


def test_nothing_crashed(captured: Captured) -> None:
    captures = captured("stalled")
    assert "no CPU crashed here" in refusal("bt", "crashed", *target(captures))


def test_no_transition(captured: Captured) -> None:
    captures = captured("patched")
    document = klp_debug_json("transition", *target(captures))
    assert (document["patch"], document["direction"], document["waiting"]) == (None, None, [])
    ran = klp_debug_run("transition", *target(captures))
    assert "no transition in progress" in ran.out


def test_bad_input(captured: Captured) -> None:
    captures = captured("patched")
    for spec, sentence in (
        ("99999", "no task 99999"),
        ("nosuch", "no task nosuch"),
        ("cpu7", "no CPU 7: this kernel has 0, 1"),
        ("0x10", "no task_struct of a task is at 0x10"),
        ("\x1b[2J", r"no task \x1b[2J"),
    ):
        assert sentence in refusal("bt", spec, *target(captures))
