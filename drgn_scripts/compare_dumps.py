# SPDX-License-Identifier: GPL-2.0-or-later
"""
What changed between two dumps of one machine?

Patches that came, went or changed their state, which replacement runs, which mcount sites were
armed or let go, and who uses ftrace. Exits with 1 if there is a difference.

    drgn -c older-vmcore -s vmlinux compare_dumps.py newer-vmcore vmlinux
"""

import sys

import drgn

from klp_debug import TargetError, audit, ftrace_users, livepatches, open_program


def facts(prog: drgn.Program) -> dict[str, str]:
    """Return what is so in one dump: subject -> what is said of it."""
    patches, sites, users = livepatches(prog), audit(prog, list_sites=True), ftrace_users(prog)
    told = {"kernel": f"{patches.kernel.release}, build id {patches.kernel.build_id}"}
    for patch in patches:
        told[f"patch {patch.name}"] = patch.transition or (
            "enabled" if patch.enabled else "disabled"
        )
        for obj in patch.objects:
            for function in obj.functions:
                told[f"{function.old_name} [{obj.name}] in {patch.name}"] = function.runs
    for site in sites.listing or ():
        if site.state == "armed":
            name = f"{site.function or site.address} [{site.module or 'vmlinux'}]"
            told[f"site of {name}"] = f"armed, {' '.join(site.flags)}, users: {site.users}"
    for ops in users.ops:
        hooked = "every function" if ops.hooked is None else ", ".join(ops.hooked)
        told[f"ftrace user {ops.user or ops.func_symbol} on {hooked}"] = "registered"
    for problem in (*patches.problems, *sites.problems, *users.problems):
        told[f"unreadable: {problem.where}"] = problem.what
    return told


if len(sys.argv) < 2:
    sys.exit("usage: drgn -c OLDER -s VMLINUX compare_dumps.py NEWER [VMLINUX]")
try:
    older = facts(drgn.get_default_prog())
    newer = facts(open_program(sys.argv[1], symbols=sys.argv[2:]))
except TargetError as error:
    sys.exit(str(error))
changed = [key for key in sorted(older | newer) if older.get(key) != newer.get(key)]
for key in changed:
    print(f"{key}: {older.get(key, 'not there')} -> {newer.get(key, 'not there')}")
sys.exit(1 if changed else 0)
