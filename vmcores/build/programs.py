# SPDX-License-Identifier: GPL-2.0-or-later
"""Builds the lab's own programs for the guest (programs/), which need no C library."""

from pathlib import Path

from vmcores.host.cache import entry, file_digests, key_of
from vmcores.host.stage import run_stage

SOURCES = Path(__file__).parents[1] / "sources" / "programs"
COMPILE = (
    *("powerpc64le-linux-gnu-gcc", "-O2", "-Wall", "-Wextra", "-Werror"),
    *("-ffreestanding", "-nostdlib", "-static"),
)


def build_program(name: str) -> Path:
    """Return the program of programs/NAME.c. Raises StepFailedError."""
    source = SOURCES / f"{name}.c"

    def make(folder: Path) -> None:
        run_stage(f"program {name}", [*COMPILE, "-o", folder / name, source], 1)

    return entry("programs", name, key_of(file_digests(source), COMPILE), make) / name
