# SPDX-License-Identifier: GPL-2.0-or-later
"""
Which leaf functions without TOC are armed?

A function that sets no TOC before its mcount site enters ftrace with its caller's r2. Whatever its
site calls must not use r2: on kernels before 4.6 a module's stub did, and crashed.

    drgn -c vmcore -s vmlinux armed_leaves.py
"""

from klp_debug import audit, describe_function

for site in audit(list_sites=True).listing or ():
    if site.state != "armed" or site.function is None:
        continue
    function = describe_function(site.address)
    if function.leaf_without_toc:
        stubs = [hop.what for hop in function.chain if hop.kind == "stub"]
        print(function.name, f"[{function.module or 'vmlinux'}]")
        print("    ", *stubs or ["its site reaches ftrace without a module's stub"])
