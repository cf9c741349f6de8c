# SPDX-License-Identifier: GPL-2.0-or-later
"""The host's own apt as the way to Debian's archive; nothing of the host's apt is changed."""

import os
import re
import subprocess
from pathlib import Path

from vmcores.cache import entry, key_of
from vmcores.errors import LabError, StepFailedError
from vmcores.stage import run_stage


def _apt(*argv: str) -> str:
    """Return what an apt query prints; empty if it failed."""
    env = os.environ | {"LC_ALL": "C.UTF-8"}
    try:
        done = subprocess.run(argv, capture_output=True, text=True, check=False, env=env)
    except OSError as error:
        raise LabError(f"the lab needs Debian's {argv[0]}: {error.strerror}") from error
    return done.stdout


def mirror(suite: str) -> str:
    """Return the address the host's apt takes SUITE from. Raises LabError if it takes none."""
    listing = _apt(
        "apt-get",
        "indextargets",
        "--format",
        "$(REPO_URI) $(CODENAME) $(LABEL)",
        "Created-By: Packages",
    )
    for line in listing.splitlines():
        address, codename, label = line.split(" ", 2)
        if (codename, label) == (suite, "Debian"):
            return address
    raise LabError(f"this host's apt has no Debian suite '{suite}': the lab takes packages from it")


def source_version(package: str) -> str:
    """Return the version of PACKAGE that apt would take now."""
    shown = _apt("apt-cache", "show", "--no-all-versions", package)
    match = re.search(r"^Version: (\S+)$", shown, re.MULTILINE)
    if not match:
        raise LabError(f"apt does not know the package {package}; try `apt-get update`")
    return match[1]


def source_tarball(package: str, version: str) -> Path:
    """Return the kernel source tarball inside PACKAGE; downloads it into the cache if needed."""

    def fetch(folder: Path) -> None:
        try:
            run_stage(
                f"{package} download",
                ["apt-get", "download", f"{package}={version}"],
                15,
                cwd=folder,
            )
        except StepFailedError as error:
            raise LabError(
                f"{error} (the archive drops old versions: `apt-get update` tells apt the new one)"
            ) from error
        deb = next(folder.glob("*.deb"))
        run_stage(f"{package} unpack", ["dpkg-deb", "-x", deb, folder], 2)
        deb.unlink()

    folder = entry("sources", package, key_of(package, version), fetch)
    return next((folder / "usr" / "src").glob("*.tar.*"))
