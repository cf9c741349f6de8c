# SPDX-License-Identifier: GPL-2.0-or-later
"""The story that the tool is for: a patched leaf function crashes, and klp-debug tells why."""

import shlex
import subprocess
import sys
from pathlib import Path

from vmcores.host.stage import tell
from vmcores.scenarios.capture import captures
from vmcores.scenarios.scenario import load_scenario

KERNEL = "6.1"
COMMANDS = (
    ("Why did it crash?", ("report",), 1),
    ("Which patches were there?", ("list",), 0),
    ("What does a call of the leaf function run?", ("func", "int_to_scsilun"), 1),
)
"""What the user asks, the command that answers, and its exit code: 1 with findings."""


def demo() -> int:
    """Crash a patched leaf function, and show klp-debug on the dump; return an exit status."""
    taken = captures(load_scenario("seed_crash"), KERNEL, "radix")
    kernel = taken.image.kernel
    tell(f"kernel: {kernel.recipe.source} {kernel.source_version}, {taken.oracle.release}")
    target = ["-c", taken.path("kdump"), "-s", taken.image.vmlinux, "-s", taken.image.modules]
    klp_debug = Path(sys.executable).with_name("klp-debug")
    for question, words, expected in COMMANDS:
        command = [str(word) for word in (klp_debug, *words, *target)]
        print(f"\n# {question}\n$ {shlex.join(command)}", flush=True)
        status = subprocess.run(command, check=False).returncode
        if status != expected:
            tell(f"{words[0]} ended with status {status}, not {expected}")
            return status or 1
    return 0
