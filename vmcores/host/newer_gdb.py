# SPDX-License-Identifier: GPL-2.0-or-later
"""
GDB and Python of a newer Debian, with the packages that klp-debug needs for that Python.

They run by bubblewrap: all of the host but /usr and /etc is there, at its usual place.
"""

import platform
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

from vmcores.host.cache import entry, file_digests, key_of
from vmcores.host.stage import run_stage
from vmcores.host.suite_root import install_root

SUITE = "trixie"
PYTHON = "3.13"
"""Of that suite, and so of its GDB."""
PACKAGES = ("gdb-multiarch", "python3-minimal")
_PROJECT = Path(__file__).parents[2] / "pyproject.toml"
_PIP_SECONDS = 15
_RUN = """\
#!/bin/sh
here=$(dirname "$(readlink -f "$0")")/root
# Ctrl-C is for GDB; it would end bubblewrap, and GDB with it.
trap '' INT
exec bwrap --die-with-parent --dev-bind / / \\
    --ro-bind "$here/usr" /usr --ro-bind "$here/etc" /etc -- PROGRAM "$@"
"""


@dataclass(frozen=True)
class NewerGdb:
    """The programs, to be run as if they were the host's."""

    gdb: Path
    python: Path


def newer_gdb() -> NewerGdb:
    """Return the programs; makes what the cache lacks. Raises LabError."""
    needed = tomllib.loads(_PROJECT.read_text())["project"]["dependencies"]

    def make(folder: Path) -> None:
        root = folder / "root"
        install_root(root, SUITE, PACKAGES)
        # Where pip of that Python would put them, if it was installed.
        site = root / "usr" / "local" / "lib" / f"python{PYTHON}" / "dist-packages"
        machine = platform.machine()
        run_stage(
            f"python packages for Python {PYTHON}",
            [
                *(sys.executable, "-m", "pip", "install", "--target", str(site)),
                *("--python-version", PYTHON, "--only-binary=:all:"),
                *(
                    "--platform",
                    f"manylinux_2_28_{machine}",
                    "--platform",
                    f"manylinux2014_{machine}",
                ),
                *needed,
            ],
            _PIP_SECONDS,
        )
        for name, program in (("gdb", "/usr/bin/gdb-multiarch"), ("python3", "/usr/bin/python3")):
            script = folder / name
            script.write_text(_RUN.replace("PROGRAM", program))
            script.chmod(0o755)

    key = key_of(SUITE, PACKAGES, needed, file_digests(Path(__file__)))
    folder = entry("gdb", SUITE, key, make)
    return NewerGdb(folder / "gdb", folder / "python3")
