# SPDX-License-Identifier: GPL-2.0-or-later
"""BPF programs at work in a guest."""

import re
import shutil
import subprocess

from vmcores.build.programs import build_program
from vmcores.guest.guest import Guest


def attach_bpf(guest: Guest, function: str, *, at_exit: bool = False) -> None:
    """Attach a program that does nothing to a function; its process is in /share/bpf_pid."""
    types = subprocess.run(
        ["bpftool", "btf", "dump", "file", guest.image.vmlinux],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    (btf_id,) = re.findall(rf"^\[(\d+)\] FUNC '{function}' ", types, re.MULTILINE)
    shutil.copy(build_program("bpf_trace"), guest.share)
    words = f"{btf_id}{' exit' if at_exit else ''}"
    guest.check(f"/share/bpf_trace {words} > /share/said 2>&1 & echo $! > /share/bpf_pid")
    guest.check("until [ -s /share/said ]; do usleep 20000; done")
    assert guest.check("cat /share/said") == "attached\n"
