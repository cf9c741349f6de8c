# SPDX-License-Identifier: GPL-2.0-or-later
"""
Answers about a kernel that runs while it is read.

What an answer rests on is read twice, before and after it: which modules there are, the livepatches
with their states and func_stacks, the registered ftrace_ops, and while a transition is under way
which tasks have switched. If all of it is the same, no patch, module or tracer came or went
meanwhile. A change and its reversal within one answer are not seen, nor what lies outside of that:
stacks of tasks change at any time.
"""

import dataclasses
from collections.abc import Callable

from drgn import Program

from klp_debug.analysis.view.problem_log import UNREADABLE, reason
from klp_debug.kernel.ftrace_ops import for_each_ftrace_ops
from klp_debug.kernel.livepatch import (
    for_each_klp_ops,
    for_each_klp_patch,
    has_livepatch,
    klp_func_stack,
    klp_transition_patch,
)
from klp_debug.kernel.module import for_each_module
from klp_debug.kernel.task import for_each_task, task_patch_state
from klp_debug.result.common import Answer, Problem

TRIES = 4
_UNSTEADY = Problem(
    "unstable", f"patches, modules or tracers changed in each of {TRIES} tries to read them"
)

State = tuple[object, ...]


def steady_answer(prog: Program, answer: Callable[[], Answer]) -> Answer:
    """
    Return an answer that no change of the running kernel fell into, if one can be had.

    Else the last one, with a problem ``unstable``.
    """
    for _ in range(TRIES):
        before = read_state(prog)
        given = answer()
        if before == read_state(prog):
            return given
    return _with_problem(given, _UNSTEADY)


def read_state(prog: Program) -> State:
    """
    Return what answers rest on, or why it cannot be read.

    Damage gives the same reason again; of a change that it fell into a read gives another one.
    """
    try:
        modules = [(mod.value_(), mod.state.value_()) for mod in for_each_module(prog)]
        ops = [(o.value_(), o.func.value_(), o.flags.value_()) for o in for_each_ftrace_ops(prog)]
        return (*modules, *ops, *(_livepatch_state(prog) if has_livepatch(prog) else ()))
    except UNREADABLE as error:
        return (reason(error),)


def _livepatch_state(prog: Program) -> State:
    patches = [(p.value_(), p.enabled.value_()) for p in for_each_klp_patch(prog)]
    stacks = [
        (ops.value_(), *((func.value_(), func.transition.value_()) for func in klp_func_stack(ops)))
        for ops in for_each_klp_ops(prog)
    ]
    patch = klp_transition_patch(prog)
    if patch is None:
        return (*patches, *stacks)
    switched = [(task.value_(), task_patch_state(task)) for task in for_each_task(prog)]
    return (*patches, *stacks, patch.value_(), *switched)


def _with_problem(answer: Answer, problem: Problem) -> Answer:
    assert dataclasses.is_dataclass(answer)
    problems = (problem, *answer.problems)
    return dataclasses.replace(answer, problems=problems)
