# SPDX-License-Identifier: GPL-2.0-or-later
"""What the lab needs of its host, by what a package provides; Python's own library only."""

import importlib.util
import shutil
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

INCLUDE = (Path("/usr/include"), Path("/usr/local/include"))


@dataclass(frozen=True)
class Need:
    """A thing the host must have, and the Debian package that has it."""

    what: str
    package: str
    present: Callable[[], bool]


def _command(name: str, package: str) -> Need:
    return Need(f"the command {name}", package, lambda: shutil.which(name) is not None)


def _header(name: str, package: str) -> Need:
    def present() -> bool:
        # Multiarch puts some headers into a folder of the architecture.
        return any((i / name).exists() or any(i.glob(f"*-linux-gnu*/{name}")) for i in INCLUDE)

    return Need(f"the header {name}", package, present)


def _python_module(name: str, package: str) -> Need:
    return Need(
        f"the Python module {name}", package, lambda: importlib.util.find_spec(name) is not None
    )


VENV_NEEDS = (_python_module("ensurepip", "python3-venv"),)

LAB_NEEDS = (
    _command("qemu-system-ppc64", "qemu-system-ppc"),
    _command("powerpc64le-linux-gnu-gcc", "gcc-powerpc64le-linux-gnu"),
    _command("gcc", "gcc"),
    _header("stdio.h", "libc6-dev"),
    _header("libelf.h", "libelf-dev"),
    _header("openssl/opensslv.h", "libssl-dev"),
    _command("make", "make"),
    _command("flex", "flex"),
    _command("bison", "bison"),
    _command("bc", "bc"),
    _command("perl", "perl"),
    _command("xz", "xz-utils"),
    _command("cpio", "cpio"),
    _command("mmdebstrap", "mmdebstrap"),
    _command("bwrap", "bubblewrap"),
    _command("setpriv", "util-linux"),
    _command("gdb-multiarch", "gdb-multiarch"),
    _command("bpftool", "bpftool"),
)

# The page of a report is looked at, and printed, in a browser; a program's stub is no kernel's.
TEST_NEEDS = (
    *LAB_NEEDS,
    _command("qemu-ppc64le", "qemu-user"),
    _command("chromium-headless-shell", "chromium-headless-shell"),
    _command("pdftotext", "poppler-utils"),
)


def missing(needs: Iterable[Need]) -> list[Need]:
    """Return those of NEEDS that the host lacks."""
    return [need for need in needs if not need.present()]


def apt_knows(package: str) -> bool:
    """Return whether the host's apt has package lists that hold PACKAGE."""
    if shutil.which("apt-cache") is None:
        return False
    done = subprocess.run(
        ["apt-cache", "show", "--no-all-versions", package], capture_output=True, check=False
    )
    return done.returncode == 0
