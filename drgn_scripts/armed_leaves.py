# SPDX-License-Identifier: GPL-2.0-or-later
"""
Which leaf functions without TOC are armed?

A function that sets no TOC before its mcount site enters ftrace with its caller's r2. Whatever its
site calls must not use r2: on kernels before 4.6 a module's stub did, and crashed. What could not
be read is told last.

    drgn -c vmcore -s vmlinux armed_leaves.py
"""

from klp_debug import audit, describe_function, known

sites = audit(list_sites=True)
for site in known(sites.listing or ()):
    if site.state != "armed" or not isinstance(site.function, str):
        continue
    function = describe_function(site.address)
    if function.leaf_without_toc is True:
        hops = known(function.chain)
        stubs = [hop.what for hop in hops if hop.kind == "stub"]
        if not stubs and len(hops) == len(function.chain):
            stubs = ["its site reaches ftrace without a module's stub"]
        print(function.name, f"[{function.module or 'vmlinux'}]")
        print("    ", *stubs or ["what its site calls is unknown"])
for problem in sites.problems:
    print(f"unknown: {problem.where}: {problem.what}")
