# SPDX-License-Identifier: GPL-2.0-or-later
"""
Debian's archive, a suite at a time, through apt.

A suite that the host's own apt knows is asked for there. Any other one has package lists of its
own in the cache, so that nothing of the host's apt is changed.
"""

import functools
import os
import re
import subprocess
import time
from pathlib import Path

from vmcores.errors import LabError, StepFailedError
from vmcores.host.cache import cache_root, entry, key_of, locked
from vmcores.host.stage import run_stage

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
LISTS_SECONDS = 7 * 24 * 3600
"""How old package lists of our own may grow."""


def _apt(*argv: str) -> str:
    """Return what an apt query prints; empty if it failed."""
    env = os.environ | {"LC_ALL": "C.UTF-8"}
    try:
        done = subprocess.run(argv, capture_output=True, text=True, check=False, env=env)
    except OSError as error:
        raise LabError(f"the lab needs Debian's {argv[0]}: {error.strerror}") from error
    return done.stdout


@functools.cache
def _host_suites() -> dict[str, str]:
    """Return suite -> mirror of what the host's apt takes from Debian itself."""
    listing = _apt(
        "apt-get",
        "indextargets",
        "--format",
        "$(REPO_URI) $(CODENAME) $(LABEL)",
        "Created-By: Packages",
    )
    lines = [line.split(" ", 2) for line in listing.splitlines()]
    return {codename: address for address, codename, label in lines if label == "Debian"}


def host_has(suite: str) -> bool:
    """Return whether the host's own apt has SUITE."""
    return suite in _host_suites()


def mirror(suite: str) -> str:
    """
    Return the address to take SUITE from: where the host's apt takes its own.

    Raises LabError if the host's apt has nothing of Debian's.
    """
    suites = _host_suites()
    if not suites:
        raise LabError("this host's apt has no suite of Debian's: the lab takes packages from it")
    return suites.get(suite) or next(iter(suites.values()))


def _options(suite: str) -> list[str]:
    """Return apt's options for SUITE; fetches its package lists if they are absent or old."""
    if host_has(suite):
        return []
    folder = cache_root() / "apt" / suite
    lists, sources = folder / "lists", folder / "sources.list"
    options = [
        f"-oDir::Etc::sourcelist={sources}",
        "-oDir::Etc::sourceparts=/dev/null",
        f"-oDir::State::lists={lists}",
        f"-oDir::Cache={folder}",
    ]
    with locked(f"apt-{suite}"):
        fetched = folder / "fetched"
        if fetched.exists() and time.time() - fetched.stat().st_mtime < LISTS_SECONDS:
            return options
        (lists / "partial").mkdir(parents=True, exist_ok=True)
        (folder / "archives" / "partial").mkdir(parents=True, exist_ok=True)
        sources.write_text(f"deb [signed-by={KEYRING}] {mirror(suite)} {suite} main\n")
        try:
            # An unreachable archive is only a warning to apt, unless it is told otherwise.
            update = ["apt-get", *options, "-oAPT::Update::Error-Mode=any", "update"]
            run_stage(f"package lists of {suite}", update, 10)
        except StepFailedError:
            if not fetched.exists():
                raise
        else:
            fetched.touch()
    return options


def source_version(package: str, suite: str) -> str:
    """Return the version of PACKAGE that apt would take from SUITE now. Raises LabError."""
    shown = _apt("apt-cache", *_options(suite), "show", "--no-all-versions", package)
    match = re.search(r"^Version: (\S+)$", shown, re.MULTILINE)
    if not match:
        raise LabError(f"apt does not know the package {package}; try `apt-get update`")
    return match[1]


def source_tarball(package: str, version: str, suite: str) -> Path:
    """Return the kernel source tarball inside PACKAGE; downloads it into the cache if needed."""

    def fetch(folder: Path) -> None:
        try:
            run_stage(
                f"{package} download",
                ["apt-get", *_options(suite), "download", f"{package}={version}"],
                15,
                cwd=folder,
            )
        except StepFailedError as error:
            # The next run then asks for the lists anew.
            (cache_root() / "apt" / suite / "fetched").unlink(missing_ok=True)
            raise LabError(
                f"{error} (the archive drops old versions; run it again with newer package lists:"
                " those of the host's own suites are made new by `apt-get update`)"
            ) from error
        deb = next(folder.glob("*.deb"))
        run_stage(f"{package} unpack", ["dpkg-deb", "-x", deb, folder], 2)
        deb.unlink()

    folder = entry("sources", package, key_of(package, version), fetch)
    return next((folder / "usr" / "src").glob("*.tar.*"))
