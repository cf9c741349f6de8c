# SPDX-License-Identifier: GPL-2.0-or-later
"""
Who uses ftrace on which function?

Livepatch, the tracers, kprobes and BPF share a function's one mcount site. With names as
arguments, only of these functions. An ops that wants every function is told once.

    drgn -c vmcore -s vmlinux ftrace_users.py [NAME ...]
"""

import sys
from collections import defaultdict

from klp_debug import ftrace_users

wanted = sys.argv[1:]
users = defaultdict(list)
for ops in ftrace_users().ops:
    user = ops.user or ops.func_symbol or str(ops.func)
    label = f"{user} ({ops.patch})" if ops.patch else user
    if ops.hooked is None:
        print(f"every function: {label}, {ops.hooks} sites")
    for function in ops.hooked or ():
        users[function].append(label)
for function in sorted(users):
    if not wanted or function.split()[0] in wanted:
        print(f"{function}: {', '.join(users[function])}")
