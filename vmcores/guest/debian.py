# SPDX-License-Identifier: GPL-2.0-or-later
"""
A Debian user land with Python and drgn, to run klp-debug in a guest, on the kernel it looks at.

Its packages are unpacked, not installed: no program of theirs runs on the way, so nothing has to be
emulated. What their maintainer scripts would do is done here, as far as Python needs it.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from vmcores.guest.guest import Guest
from vmcores.host.archive import mirror
from vmcores.host.cache import entry, file_digests, key_of
from vmcores.host.stage import run_stage

SUITE = "forky"
"""The first of Debian's with drgn 0.3."""
PACKAGES = (
    *("python3", "python3-drgn", "python3-numpy", "python3-capstone", "python3-pyelftools"),
    *("python3-jinja2", "python3-prompt-toolkit", "python3-rich"),
    "python3-zstandard",
)
PROJECT = Path(__file__).parents[2]
ROOT = "/share/debian"
"""Where the guest has it."""
# BLAS is chosen by alternatives, which nobody has set.
_LIBRARIES = ":".join(f"/usr/lib/powerpc64le-linux-gnu/{name}" for name in ("blas", "lapack"))
_MOUNTS = ("proc", "sys", "dev")
"""What the tree has of the guest's own."""
_COMMAND = (
    *("mmdebstrap", "--variant=extract", "--architectures=ppc64el"),
    # A mirror may serve a testing suite that is some weeks old; its signature is checked.
    '--aptopt=Acquire::Check-Valid-Until "false"',
    f"--include={','.join(PACKAGES)}",
    SUITE,
)


def debian_tree() -> Path:
    """Return the unpacked packages; unpacks what the cache lacks. Raises LabError."""

    def make(folder: Path) -> None:
        tree = folder / "tree"
        mode = "root" if os.geteuid() == 0 else "chrootless"
        source = f"deb {mirror(SUITE)} {SUITE} main"
        run_stage("debian: packages", [*_COMMAND, f"--mode={mode}", str(tree), source], 20)
        for name in ("bin", "sbin", "lib", "lib64"):
            if not (tree / name).exists():
                (tree / name).symlink_to(f"usr/{name}")
        # Device nodes have no place in a tree that is copied: /dev/zero has no end.
        shutil.rmtree(tree / "dev")
        for name in _MOUNTS:
            (tree / name).mkdir(exist_ok=True)

    key = key_of(_COMMAND, file_digests(Path(__file__)))
    return entry("debian", SUITE, key, make) / "tree"


def install(guest: Guest) -> None:
    """
    Give a guest the user land, with this project and its kernel's vmlinux in it.

    Raises LabError.
    """
    root = guest.share / "debian"
    shutil.copytree(debian_tree(), root, symlinks=True)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-compile"]
    subprocess.run([*pip, "--target", str(root / "klp"), str(PROJECT)], check=True)
    shutil.copy(guest.image.vmlinux, root / "vmlinux")
    for name in _MOUNTS:
        guest.check(f"mount -o bind /{name} {ROOT}/{name}")


def python(*words: str) -> str:
    """Return the guest's command line that runs Python there with WORDS."""
    setting = f"PYTHONPATH=/klp LD_LIBRARY_PATH={_LIBRARIES}"
    return f"{setting} chroot {ROOT} /usr/bin/python3 {' '.join(words)}"
