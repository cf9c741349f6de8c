# SPDX-License-Identifier: GPL-2.0-or-later
"""The stub of a ppc64le program that QEMU runs without a kernel."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vmcores.build.programs import build_program

QEMU_USER = "qemu-ppc64le"
_SECONDS = 20


@contextmanager
def program_stub(place: Path) -> Iterator[Path]:
    """Let a program wait for a debugger at PLACE, a unix socket; yield the program."""
    program = build_program("endless")
    with subprocess.Popen([QEMU_USER, "-g", str(place), str(program)]) as process:
        try:
            end = time.monotonic() + _SECONDS
            while not place.exists():
                assert time.monotonic() < end
                time.sleep(0.02)
            yield program
        finally:
            process.kill()
