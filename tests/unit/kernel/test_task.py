# SPDX-License-Identifier: GPL-2.0-or-later
"""Tasks, against what the guest says in /proc and what its console said of the crash."""

import contextlib
import itertools
import re

import pytest
from drgn import FaultError, Object, TypeMember, sizeof
from hypothesis import given
from hypothesis import strategies as st

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
from klp_debug.kernel.walk import WalkError
from klp_debug.targets.opening import open_target
from klp_debug.targets.options import TargetOptions
from tests.conftest import Captured, Played
from tests.support.memory import MemoryProgram
from vmcores.build.recipe import guest_kernels
from vmcores.scenarios.scenario import load_scenario

CASES = load_scenario("patched").cases()
PF_KTHREAD = 0x00200000
INIT, FIRST, SECOND, THREAD = 0x1000, 0x2000, 0x3000, 0x4000
TASKS, NODE, SIGNAL = 0, 16, 32
"""Where a task of the tests has its list nodes and its signal_struct, in bytes."""


class TaskProgram(MemoryProgram):
    """Two processes, the second with another thread, and init_task."""

    def __init__(self) -> None:
        super().__init__()
        list_head = self.struct("list_head", next="list_head", prev="list_head")
        self.struct("signal_struct", thread_head=list_head)
        task = self.struct(
            "task_struct", tasks=list_head, thread_node=list_head, signal="signal_struct"
        )
        self.variable("init_task", task, INIT)
        self.ring(INIT + TASKS, FIRST + TASKS, SECOND + TASKS)
        for leader, *threads in ((INIT,), (FIRST,), (SECOND, THREAD)):
            head = leader + 0x100
            self.put(leader + SIGNAL, head)
            self.ring(head, leader + NODE, *(thread + NODE for thread in threads))

    def ring(self, *nodes: int) -> None:
        for index, node in enumerate(nodes):
            self.put(node, nodes[(index + 1) % len(nodes)], nodes[index - 1])


def walk(program: TaskProgram) -> list[int]:
    return [task.value_() for task in for_each_task(program.prog)]


def walk_until_damage(program: TaskProgram) -> list[int]:
    seen = []
    with pytest.raises((WalkError, FaultError)):  # noqa: PT012 - what comes before is the point
        for task in for_each_task(program.prog):
            seen.append(task.value_())  # noqa: PERF401
    return seen


def test_processes_and_their_threads() -> None:
    assert walk(TaskProgram()) == [FIRST, SECOND, THREAD]


def test_a_process_that_is_being_released() -> None:
    program = TaskProgram()
    program.put(SECOND + SIGNAL, 0)
    assert walk(program) == [FIRST, SECOND]


def test_yields_what_comes_before_a_cycle() -> None:
    program = TaskProgram()
    program.put(SECOND + TASKS, FIRST + TASKS)
    assert walk_until_damage(program) == [FIRST, SECOND, THREAD]


def test_a_damaged_list_of_threads_costs_no_other_process() -> None:
    program = TaskProgram()
    program.put(FIRST + SIGNAL, 0x80000)  # no memory there
    assert walk_until_damage(program) == [FIRST, SECOND, THREAD]
    program.put(FIRST + SIGNAL, SECOND + 0x100)  # another's threads
    assert walk(program) == [FIRST, SECOND, THREAD]


@given(st.lists(st.tuples(st.integers(0, 15), st.integers(0, 9)), max_size=6))
def test_ends_whatever_the_links_are(damage: list[tuple[int, int]]) -> None:
    program = TaskProgram()
    tasks = (INIT, FIRST, SECOND, THREAD)
    places = [task + offset for task in tasks for offset in (TASKS, NODE, SIGNAL, 0x100)]
    values = [*places[:6], 0, 0x80000, 7, 1 << 63]
    for place, value in damage:
        program.put(places[place], values[value])
    with contextlib.suppress(WalkError, FaultError):
        tasks_found = walk(program)
        assert len(tasks_found) == len(set(tasks_found))


class StackProgram(MemoryProgram):
    """A task with a stack, of a kernel with stacks of a given number of doublewords."""

    def __init__(self, doublewords: int) -> None:
        super().__init__()
        stack = self.prog.array_type(self.u64, doublewords)
        self._types["thread_union"] = self.prog.union_type(
            "thread_union", sizeof(stack), (TypeMember(stack, "stack"),)
        )
        self.struct("task_struct", stack=self.u64)

    def task(self, stack: int) -> Object:
        self.put(FIRST, stack)
        return self.at("task_struct", FIRST)


def test_stack() -> None:
    program = StackProgram(2048)
    assert thread_size(program.prog) == 16384
    assert task_stack(program.task(0x8000)) == range(0x8000, 0xC000)
    assert task_stack(program.task(0)) is None


@pytest.mark.parametrize("stack", [0x8008, 0xA000, (1 << 64) - 8])
def test_no_stack_can_be_there(stack: int) -> None:
    with pytest.raises(WalkError, match="not aligned to 0x4000"):
        task_stack(StackProgram(2048).task(stack))


@pytest.mark.parametrize("doublewords", [2, 3000, 1 << 20])
def test_no_stack_is_of_that_size(doublewords: int) -> None:
    with pytest.raises(WalkError, match="union thread_union"):
        thread_size(StackProgram(doublewords).prog)


@pytest.mark.lab
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


@pytest.mark.lab
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


@pytest.mark.lab
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
