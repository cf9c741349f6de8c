# SPDX-License-Identifier: GPL-2.0-or-later
"""
The compiler of a kernel recipe, and all else that its build runs: the host's, or a suite's.

A build root is a tree of another Debian suite in the cache; commands run in it by bubblewrap,
with the cache at its usual place, so that paths are the same inside and outside.
"""

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from vmcores.errors import LabError
from vmcores.host.cache import cache_root, entry, key_of
from vmcores.host.suite_root import install_root

PACKAGES = (
    *("gcc-powerpc64le-linux-gnu", "gcc", "libc6-dev", "make", "flex", "bison", "bc"),
    *("libelf-dev", "libssl-dev", "zlib1g-dev", "cpio", "kmod", "python3-minimal", "xz-utils"),
    *("perl-base", "rsync", "dwarves"),
)
"""What a kernel's build needs; dwarves has pahole, for BTF."""


@dataclass(frozen=True)
class Toolchain:
    """Where a recipe's commands run."""

    root: Path | None = None
    """A build root; None for the host itself."""

    def command(self, argv: Sequence[str], environment: Mapping[str, str]) -> list[str]:
        """Return the command that runs ARGV with ENVIRONMENT, for a stage to run."""
        if self.root is None:
            return ["env", *(f"{name}={value}" for name, value in environment.items()), *argv]
        cache = str(cache_root())
        settings = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", **environment}
        return [
            *("bwrap", "--die-with-parent", "--unshare-pid", "--bind", str(self.root), "/"),
            *("--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp", "--bind", cache, cache),
            "--clearenv",
            *(word for setting in settings.items() for word in ("--setenv", *setting)),
            *("--", *argv),
        ]

    def version(self, compiler: str) -> str:
        """Return the first line of what COMPILER says of itself. Raises LabError."""
        command = self.command([compiler, "--version"], {"LC_ALL": "C.UTF-8"})
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise LabError(f"{compiler} does not run") from error
        return done.stdout.splitlines()[0]


def toolchain(suite: str | None) -> Toolchain:
    """
    Return the build root of SUITE, made if the cache lacks it, or the host if SUITE is None.

    Raises LabError, StepFailedError among them.
    """
    if suite is None:
        return Toolchain()

    def make(folder: Path) -> None:
        install_root(folder / "root", suite, PACKAGES)

    return Toolchain(entry("roots", suite, key_of(suite, PACKAGES), make) / "root")
