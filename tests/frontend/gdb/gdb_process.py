# SPDX-License-Identifier: GPL-2.0-or-later
"""Real GDB processes, with ``klp`` sourced as a user does."""

import os
import subprocess
import sys
from pathlib import Path

from tests.command.klp_debug_cli import Ran

ROOT = Path(__file__).parents[3]
LOADER = ROOT / "gdb" / "klp.py"
PROGRAM = "gdb-multiarch"
SECONDS = 120


def gdb_run(*commands: str, loader: Path | None = LOADER, **variables: str) -> Ran:
    """Run GDB's commands in a fresh GDB, without a terminal, as ``gdb -batch`` does."""
    sourced = [f"source {loader}"] if loader else []
    words = [word for command in (*sourced, *commands) for word in ("-ex", command)]
    done = subprocess.run(
        [PROGRAM, "-nx", "-q", "-batch", *words],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
        stdin=subprocess.DEVNULL,
        env=os.environ | variables,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def klp_into(file: Path, line: str) -> list[str]:
    """Return what lets GDB write the output of a command to a file, and nothing else."""
    return [
        f"set logging file {file}",
        "set logging redirect on",
        "set logging enabled on",
        line,
        "set logging enabled off",
    ]


def this_python() -> str:
    return f"{sys.version_info[0]}.{sys.version_info[1]}"
