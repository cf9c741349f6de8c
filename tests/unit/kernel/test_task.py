# SPDX-License-Identifier: GPL-2.0-or-later
"""Lists of tasks and their stacks, whole and damaged."""

import contextlib

import pytest
from drgn import FaultError, Object, TypeMember, sizeof
from hypothesis import given
from hypothesis import strategies as st

from klp_debug.kernel.task import (
    for_each_task,
    task_stack,
    thread_size,
)
from klp_debug.kernel.walk import WalkError
from tests.support.memory import MemoryProgram

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
