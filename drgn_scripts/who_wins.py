# SPDX-License-Identifier: GPL-2.0-or-later
"""
Who wins on each func_stack?

Of every live-patched function: the patches stacked on it, the top first, and what each entry
decides of what a call runs. What could not be read is told last.

    drgn -c vmcore -s vmlinux who_wins.py
"""

from collections import defaultdict

from klp_debug import known, livepatches

stacks = defaultdict(list)
patches = livepatches()
for patch in known(patches):
    for obj in known(patch.objects):
        for function in known(obj.functions):
            place = function.stack_position
            if place is not None:
                name = f"{function.old_name} [{obj.name}]"
                order = place if isinstance(place, int) else len(patches)
                stacks[name].append((order, patch.name, str(function.runs)))
for name, entries in sorted(stacks.items()):
    print(name)
    for _, patch_name, runs in sorted(entries):
        print(f"    {patch_name}: {runs}")
for problem in patches.problems:
    print(f"unknown: {problem.where}: {problem.what}")
