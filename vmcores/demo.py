# SPDX-License-Identifier: GPL-2.0-or-later
"""The main job, start to end: a crashed, live-patched kernel, and what klp-debug says of it."""

import shlex
import subprocess
import sys
from pathlib import Path

from vmcores.host.stage import tell
from vmcores.scenarios.capture import captures
from vmcores.scenarios.scenario import load_scenario

KERNEL = "6.1"
FUNCTIONS = ("int_to_scsilun", "cmdline_proc_show")


def demo() -> int:
    """Capture the scenario 'patched', show klp-debug on it; return the first bad exit status."""
    taken = captures(load_scenario("patched"), KERNEL, "radix")
    kernel = taken.image.kernel
    tell(f"kernel: {kernel.recipe.source} {kernel.source_version}, {taken.oracle.release}")
    target: list[str | Path] = [
        "-c",
        taken.path("kdump"),
        "-s",
        taken.image.vmlinux,
        "-s",
        taken.image.modules,
    ]
    klp_debug = Path(sys.executable).with_name("klp-debug")
    commands: list[list[str | Path]] = [[klp_debug, "list", *target]]
    commands += [[klp_debug, "func", function, *target] for function in FUNCTIONS]
    commands.append([klp_debug, "report", *target])
    for command in commands:
        print(f"\n$ {shlex.join(str(word) for word in command)}", flush=True)
        status = subprocess.run(command, check=False).returncode
        if status:
            return status
    return 0
