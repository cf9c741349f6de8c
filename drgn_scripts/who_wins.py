# SPDX-License-Identifier: GPL-2.0-or-later
"""
Who wins on each func_stack?

Of every live-patched function: the patches stacked on it, the top first, and what each entry
decides of what a call runs.

    drgn -c vmcore -s vmlinux who_wins.py
"""

from collections import defaultdict

from klp_debug import livepatches

stacks = defaultdict(list)
for patch in livepatches():
    for obj in patch.objects:
        for function in obj.functions:
            if function.stack_position is not None:
                name = f"{function.old_name} [{obj.name}]"
                stacks[name].append((function.stack_position, patch.name, function.runs))
for name, entries in sorted(stacks.items()):
    print(name)
    for _, patch_name, runs in sorted(entries):
        print(f"    {patch_name}: {runs}")
