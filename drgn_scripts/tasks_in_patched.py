# SPDX-License-Identifier: GPL-2.0-or-later
"""
Which tasks are inside a live-patched function, or a replacement, right now?

These must leave it before that patch can be disabled. A frame that livepatch hides from a plain
walk is marked with *. What could not be read is told last.

    drgn -c vmcore -s vmlinux tasks_in_patched.py
"""

from klp_debug import backtraces, known

answer = backtraces(in_patched=True)
for task in known(answer.tasks):
    print(f"{task.comm} ({task.pid}), {task.state}")
    for frame in known(task.frames):
        star = "*" if frame.from_livepatch_stack else " "
        role = "" if frame.role is None else f"    {frame.role}, {frame.patch}"
        print(f"   {star}{frame.pc if frame.symbol is None else frame.symbol}{role}")
for problem in answer.problems:
    print(f"unknown: {problem.where}: {problem.what}")
