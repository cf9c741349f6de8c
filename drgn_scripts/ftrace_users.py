# SPDX-License-Identifier: GPL-2.0-or-later
"""
Who uses ftrace on which function?

Livepatch, the tracers, kprobes and BPF share a function's one mcount site. With names as
arguments, only of these functions. An ops that wants every function is told once, and what could
not be read at the end.

    drgn -c vmcore -s vmlinux ftrace_users.py [NAME ...]
"""

import sys
from collections import defaultdict

from klp_debug import ftrace_users, known

wanted = sys.argv[1:]
users = defaultdict(list)
answer = ftrace_users()
for ops in known(answer.ops):
    user = next(name for name in (ops.user, ops.func_symbol, ops.func) if name is not None)
    label = f"{user}" if ops.patch is None else f"{user} ({ops.patch})"
    if ops.hooked is None:
        print(f"every function: {label}, {ops.hooks} sites")
    for function in known(ops.hooked or ()):
        users[function].append(label)
for function in sorted(users):
    if not wanted or function.split()[0] in wanted:
        print(f"{function}: {', '.join(users[function])}")
for problem in answer.problems:
    print(f"unknown: {problem.where}: {problem.what}")
