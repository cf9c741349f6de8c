# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs the programs that klp-debug is in, without a terminal."""

import os
import subprocess
from pathlib import Path

from tests.support.cli import Ran

SECONDS = 120


def program_run(*words: str | Path, **variables: str) -> Ran:
    """Run a program, with more variables in its environment."""
    done = subprocess.run(
        words,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
        stdin=subprocess.DEVNULL,
        env=os.environ | variables,
    )
    return Ran(done.returncode, done.stdout, done.stderr)
