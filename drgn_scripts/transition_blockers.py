# SPDX-License-Identifier: GPL-2.0-or-later
"""
Which tasks block the transition, and what would let each go on?

    drgn -c vmcore -s vmlinux transition_blockers.py
"""

from klp_debug import Unknown, known, transition

answer = transition()
waiting = known(answer.waiting)
if answer.patch is None:
    print("no transition is under way")
elif isinstance(answer.patch, Unknown):
    print(f"which patch is in transition, if one is: {answer.patch}")
else:
    least = "at least " if len(waiting) < len(answer.waiting) else ""
    tasks = "task has" if len(waiting) == 1 else "tasks have"
    print(f"{answer.patch} is {answer.direction}: {least}{len(waiting)} {tasks} not switched")
for task in waiting:
    print(f"{task.trace.comm} ({task.trace.pid}): {task.why}")
    print(f"    {task.unblocks}")
for problem in answer.problems:
    print(f"unknown: {problem.where}: {problem.what}")
