# SPDX-License-Identifier: GPL-2.0-or-later
"""
Which tasks are inside a live-patched function, or a replacement, right now?

These must leave it before that patch can be disabled. A frame that livepatch hides from a plain
walk is marked with *.

    drgn -c vmcore -s vmlinux tasks_in_patched.py
"""

from klp_debug import backtraces

for task in backtraces(in_patched=True).tasks:
    print(f"{task.comm} ({task.pid}), {task.state}")
    for frame in task.frames:
        star = "*" if frame.from_livepatch_stack else " "
        role = f"    {frame.role}, {frame.patch}" if frame.role else ""
        print(f"   {star}{frame.symbol or frame.pc}{role}")
