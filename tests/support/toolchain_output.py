# SPDX-License-Identifier: GPL-2.0-or-later
"""What a command prints that runs where a recipe's commands do."""

import subprocess

from vmcores.build.toolchain import Toolchain


def output(toolchain: Toolchain, script: str, **environment: str) -> str:
    """Return what a shell script prints where a recipe's commands run."""
    argv = toolchain.command(["sh", "-c", script], environment)
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout
