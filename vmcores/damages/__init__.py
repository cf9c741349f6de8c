# SPDX-License-Identifier: GPL-2.0-or-later
"""
What a scenario may damage in a running guest, through QEMU's gdbstub: one file for each thing.

Where to write is found from the guest's own kallsyms and its instruction words, not by klp-debug,
which is to find the damage later. A scenario names one of DAMAGES.
"""

import sys
from collections.abc import Callable
from pathlib import Path

from vmcores.damages import text
from vmcores.damages.ftrace_call import ftrace_call_to_data
from vmcores.damages.ftrace_stub import stub_to_nowhere, toc_stub, toc_stub_without_save
from vmcores.damages.function_entry import new_func_behind_toc_setup
from vmcores.damages.livepatch_stack import livepatch_marker
from vmcores.damages.new_func import new_func_to_nowhere
from vmcores.damages.ops_func import ops_func_to_nowhere
from vmcores.damages.site import trap_in_armed_site, trap_in_idle_site
from vmcores.damages.trampoline import r15_not_restored
from vmcores.guest.guest import Guest
from vmcores.oracle.oracle import Oracle

Damage = Callable[[Guest, Oracle], None]

DAMAGES: dict[str, Damage] = {
    damage.__name__: damage
    for damage in (
        ftrace_call_to_data,
        livepatch_marker,
        new_func_behind_toc_setup,
        new_func_to_nowhere,
        ops_func_to_nowhere,
        r15_not_restored,
        stub_to_nowhere,
        toc_stub,
        toc_stub_without_save,
        trap_in_armed_site,
        trap_in_idle_site,
    )
}


def sources(name: str) -> tuple[Path, ...]:
    """Return the files that make the damage of that name what it is."""
    files = (text.__file__, sys.modules[DAMAGES[name].__module__].__file__)
    return tuple(Path(file) for file in files if file is not None)
