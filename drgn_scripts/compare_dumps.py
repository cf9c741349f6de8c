# SPDX-License-Identifier: GPL-2.0-or-later
"""
What changed between two dumps of one machine?

Patches that came, went or changed their state, which replacement runs, which mcount sites were
armed or let go, and who uses ftrace. Exits with 1 if there is a difference. What one of the dumps
does not tell may be a difference, or none: that is told as unknown.

    drgn -c older-vmcore -s vmlinux compare_dumps.py newer-vmcore vmlinux
"""

import sys

import drgn

from klp_debug import TargetError, audit, ftrace_users, known, livepatches, open_program

UNKNOWN = "unknown: "


def facts(prog: drgn.Program) -> dict[str, str]:
    """Return what is so in one dump: subject -> what is said of it."""
    patches, sites, users = livepatches(prog), audit(prog, list_sites=True), ftrace_users(prog)
    told = {"kernel": f"{patches.kernel.release}, build id {patches.kernel.build_id}"}
    for patch in known(patches):
        state = "enabled" if patch.enabled else "disabled"
        told[f"patch {patch.name}"] = state if patch.transition is None else str(patch.transition)
        for obj in known(patch.objects):
            for function in known(obj.functions):
                told[f"{function.old_name} [{obj.name}] in {patch.name}"] = str(function.runs)
    for site in known(sites.listing or ()):
        if site.state == "armed":
            function_name = site.address if site.function is None else site.function
            module = "vmlinux" if site.module is None else site.module
            name = f"{function_name} [{module}]"
            told[f"site of {name}"] = f"armed, {' '.join(site.flags)}, users: {site.users}"
    for ops in known(users.ops):
        hooked = "every function" if ops.hooked is None else ", ".join(map(str, ops.hooked))
        user = ops.func_symbol if ops.user is None else ops.user
        told[f"ftrace user {user} on {hooked}"] = "registered"
    for problem in (*patches.problems, *sites.problems, *users.problems):
        told[f"{UNKNOWN}{problem.where}"] = problem.what
    return told


def absent(told: dict[str, str], key: str) -> str:
    """Return what is so of a subject that a dump does not have, or may have."""
    unread = any(subject.startswith(UNKNOWN) for subject in told)
    return "unknown" if unread and not key.startswith(UNKNOWN) else "not there"


if len(sys.argv) < 2:
    sys.exit("usage: drgn -c OLDER -s VMLINUX compare_dumps.py NEWER [VMLINUX]")
try:
    older = facts(drgn.get_default_prog())
    newer = facts(open_program(sys.argv[1], symbols=sys.argv[2:]))
except TargetError as error:
    sys.exit(str(error))
changed = [key for key in sorted(older | newer) if older.get(key) != newer.get(key)]
for key in changed:
    sides = (told.get(key, absent(told, key)) for told in (older, newer))
    print(f"{key}: {' -> '.join(sides)}")
sys.exit(1 if changed else 0)
