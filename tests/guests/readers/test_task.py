# SPDX-License-Identifier: GPL-2.0-or-later
"""Tasks, against what the guest says in /proc and what its console said of the crash."""

import itertools
import re

import pytest

from klp_debug.kernel.task import (
    PATCH_STATES,
    cpu_curr,
    find_tasks,
    for_each_idle_task,
    for_each_task,
    idle_task,
    task_comm,
    task_cpu,
    task_is_kthread,
    task_ksp,
    task_on_cpu,
    task_patch_pending,
    task_patch_state,
    task_pid,
    task_stack,
    task_state_name,
    thread_size,
)
from klp_debug.targets.opening import open_target
from klp_debug.targets.options import TargetOptions
from tests.conftest import Captured, Played
from vmcores.build.recipe import guest_kernels
from vmcores.scenarios.scenario import load_scenario

pytestmark = pytest.mark.lab

CASES = load_scenario("patched").cases()
PF_KTHREAD = 0x00200000


@pytest.mark.parametrize("kernel", guest_kernels())
def test_agrees_with_proc(played: Played, kernel: str) -> None:
    guest, _ = played("patched", kernel=kernel)
    said = {}
    # The first line of stat, and the state by its name. What ends meanwhile is not shown.
    command = (
        "for p in /proc/[0-9]*; do cat $p/stat && grep State: $p/status && cat $p/patch_state;"
        " done 2>/dev/null; cat /proc/self/stat"
    )
    pattern = r"(\d+) \((.*)\) . (?:-?\d+ ){5}(\d+) .*\nState:\t\S \((.*)\)\n(-?\d)\n"
    for pid, comm, flags, state, patch_state in re.findall(pattern, guest.check(command)):
        said[int(pid)] = comm, bool(int(flags) & PF_KTHREAD), state, int(patch_state)
    assert len(said) > 30

    options = TargetOptions(qemu=str(guest.qmp_socket), symbols=(guest.image.vmlinux,))
    prog = open_target(options).prog
    tasks = {task_pid(task): task for task in for_each_task(prog)}
    # Kernel threads come and go, and what the shell started for us is gone.
    lasting = {pid: words for pid, words in said.items() if pid in tasks}
    assert len(said.keys() ^ tasks.keys()) < 8
    assert {1, 2} <= lasting.keys()
    for pid, (comm, kthread, _, patch_state) in lasting.items():
        task = tasks[pid]
        # /proc adds to the name of a kworker what it works at.
        if not comm.startswith("kworker/"):
            assert comm.startswith(task_comm(task))
        assert task_is_kthread(task) == kthread
        assert task_patch_state(task) == patch_state
        assert not task_patch_pending(task)
    # Those that only wait for something that does not happen.
    still = {1, 2} | {pid for pid, words in lasting.items() if words[0].startswith("migration/")}
    assert len(still) == 4
    assert [task_state_name(tasks[pid]) for pid in still] == [said[pid][2] for pid in still]
    assert any(state == "idle" for _, _, state, _ in lasting.values())
    agreeing = [task_state_name(tasks[pid]) == words[2] for pid, words in lasting.items()]
    assert agreeing.count(False) <= 4

    (init,) = find_tasks(prog, "1")
    assert task_comm(init) == said[1][0]
    assert [task_pid(task) for task in find_tasks(prog, "kthreadd")] == [2]
    assert [task_comm(task) for task in find_tasks(prog, "0")] == ["swapper/0", "swapper/1"]
    assert [task_comm(task) for task in find_tasks(prog, "swapper/1")] == ["swapper/1"]
    assert find_tasks(prog, "no such task") == []
    assert find_tasks(prog, "999999") == []


@pytest.mark.parametrize("kind", ["kdump", "elf"])
@pytest.mark.parametrize(("kernel", "mmu"), CASES)
def test_tasks_of_a_crash(captured: Captured, kernel: str, mmu: str, kind: str) -> None:
    captures = captured("patched", mmu, kernel)
    console = captures.console_log.read_text(errors="replace")
    (cpu, pid), *_ = re.findall(r"CPU: (\d+) (?:UID: 0 )?PID: (\d+) Comm: sh ", console)
    symbols = (captures.image.kernel.vmlinux,)
    prog = open_target(TargetOptions(core=captures.path(kind), symbols=symbols)).prog
    tasks = list(for_each_task(prog))
    assert int(pid) in [task_pid(task) for task in tasks]

    running = [task for task in [*tasks, *for_each_idle_task(prog)] if task_on_cpu(task)]
    crashed, idle = cpu_curr(prog, int(cpu)), cpu_curr(prog, 1 - int(cpu))
    assert sorted(task.value_() for task in running) == sorted([crashed.value_(), idle.value_()])
    assert (task_pid(crashed), task_comm(crashed), task_cpu(crashed)) == (int(pid), "sh", int(cpu))
    assert idle == idle_task(prog, 1 - int(cpu))
    assert task_comm(idle) == f"swapper/{1 - int(cpu)}"
    assert task_state_name(crashed) == "running"

    # The call trace on the console is of the stack of the task that crashed.
    frames = re.findall(r"\] \[(c[0-9a-f]{15})\] \[c[0-9a-f]{15}\]", console)
    stack = task_stack(crashed)
    assert stack is not None
    assert all(int(frame, 16) in stack for frame in frames)

    stacks = []
    for task in tasks:
        stack = task_stack(task)
        assert stack is not None
        assert len(stack) == thread_size(prog)
        assert task_ksp(task) in stack
        stacks.append(stack)
    stacks.sort(key=lambda stack: stack.start)
    assert all(one.stop <= other.start for one, other in itertools.pairwise(stacks))


@pytest.mark.parametrize("kernel", guest_kernels())
def test_transition(captured: Captured, kernel: str) -> None:
    captures = captured("stalled", kernel=kernel)
    said = {task.pid: task for task in captures.oracle.transition_tasks}
    symbols = (captures.image.kernel.vmlinux,)
    prog = open_target(TargetOptions(core=captures.path("qemu-elf"), symbols=symbols)).prog
    unpatched = []
    for task in for_each_task(prog):
        state = task_patch_state(task)
        assert state is not None
        assert PATCH_STATES[state] == ("patched" if state else "unpatched")
        assert task_patch_pending(task) == (state == 0)
        if state == 0:
            unpatched.append((task_pid(task), task_comm(task)))
    assert unpatched == [(task.pid, task.comm) for task in said.values() if task.patch_state == 0]
    assert unpatched
