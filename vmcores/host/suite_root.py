# SPDX-License-Identifier: GPL-2.0-or-later
"""A tree of a Debian suite for this machine, to run programs of it by bubblewrap."""

import os
from collections.abc import Sequence
from pathlib import Path

from vmcores.errors import LabError
from vmcores.host.archive import mirror
from vmcores.host.stage import run_stage

INSTALL_SECONDS = 45


def install_root(root: Path, suite: str, packages: Sequence[str]) -> None:
    """Install PACKAGES of SUITE, and what they need, in ROOT. Raises LabError."""
    if os.geteuid() != 0:
        raise LabError(f"a tree of {suite} can be installed by root only")
    argv = [
        *("mmdebstrap", "--variant=apt", "--mode=root", f"--include={','.join(packages)}"),
        *(suite, str(root), f"deb {mirror(suite)} {suite} main"),
    ]
    run_stage(f"{suite}: {packages[0]} and what it needs", argv, INSTALL_SECONDS)
