# SPDX-License-Identifier: GPL-2.0-or-later
"""
Which tasks block the transition, and what would let each go on?

    drgn -c vmcore -s vmlinux transition_blockers.py
"""

from klp_debug import transition

answer = transition()
if answer.patch is None:
    print("no transition is under way")
else:
    print(f"{answer.patch} is {answer.direction}: {len(answer.waiting)} tasks have not switched")
for task in answer.waiting:
    print(f"{task.trace.comm} ({task.trace.pid}): {task.why}")
    print(f"    {task.unblocks}")
