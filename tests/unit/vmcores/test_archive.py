# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian's archive, with commands in apt's place that note how they are called."""

import os
from pathlib import Path

import pytest

from vmcores.errors import LabError, StepFailedError
from vmcores.host import archive
from vmcores.host.cache import cache_root

TARGETS = """\
https://deb.debian.org/debian bookworm Debian
https://deb.debian.org/debian-security bookworm-security Debian-Security
https://example.org/apt stable Some Vendor
"""


class Apt:
    """apt-get, apt-cache and dpkg-deb, first on the path."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "log"
        self.targets(TARGETS)
        self.get("")

    def command(self, name: str, script: str) -> None:
        path = self.folder / name
        path.write_text(f'#!/bin/sh\necho "{name} $*" >> {self.log}\n{script}\n')
        path.chmod(0o755)

    def get(self, cases: str) -> None:
        """Let apt-get do CASES, and tell its targets."""
        known = f"*indextargets*) cat {self.folder}/targets;;"
        self.command("apt-get", f"case $* in {known} {cases} esac")

    def targets(self, text: str) -> None:
        (self.folder / "targets").write_text(text)

    def calls(self, word: str) -> list[str]:
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [line for line in lines if word in line.split()]


@pytest.fixture
def apt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Apt:
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    archive._host_suites.cache_clear()
    return Apt(folder)


@pytest.fixture(autouse=True)
def _forget_these_suites(apt: Apt) -> object:
    yield
    archive._host_suites.cache_clear()


def test_mirrors(apt: Apt) -> None:
    assert archive.host_has("bookworm")
    # Not Debian's main archive, though apt has them.
    assert not archive.host_has("bookworm-security")
    assert not archive.host_has("stable")
    assert archive.mirror("bookworm") == "https://deb.debian.org/debian"
    assert archive.mirror("trixie") == "https://deb.debian.org/debian"


def test_no_suite_of_debian(apt: Apt) -> None:
    apt.targets("https://example.org/apt stable Some Vendor\n")
    with pytest.raises(LabError, match="no suite of Debian's"):
        archive.mirror("trixie")


def test_no_apt(apt: Apt, monkeypatch: pytest.MonkeyPatch) -> None:
    (apt.folder / "apt-get").unlink()
    monkeypatch.setenv("PATH", str(apt.folder))
    with pytest.raises(LabError, match="the lab needs Debian's apt-get"):
        archive.mirror("trixie")


def test_version_of_a_suite_of_the_host(apt: Apt) -> None:
    apt.command("apt-cache", r"printf 'Package: p\nVersion: 6.1.1-2\nSource-Version: 7\n'")
    assert archive.source_version("p", "bookworm") == "6.1.1-2"
    assert apt.calls("apt-cache") == ["apt-cache show --no-all-versions p"]
    # The host's own lists are the host's to fetch.
    assert apt.calls("update") == []


def test_unknown_package(apt: Apt) -> None:
    apt.command("apt-cache", "echo 'E: No packages found' >&2; exit 100")
    with pytest.raises(LabError, match="apt does not know the package p"):
        archive.source_version("p", "bookworm")


def test_lists_of_another_suite_are_our_own(apt: Apt) -> None:
    apt.command("apt-cache", "echo 'Version: 7.2-1'")
    assert archive.source_version("p", "trixie") == "7.2-1"
    folder = cache_root() / "apt" / "trixie"
    assert (folder / "sources.list").read_text() == (
        f"deb [signed-by={archive.KEYRING}] https://deb.debian.org/debian trixie main\n"
    )
    (update,) = apt.calls("update")
    (show,) = apt.calls("show")
    for call in (update, show):
        assert f"-oDir::Etc::sourcelist={folder / 'sources.list'}" in call
        assert f"-oDir::State::lists={folder / 'lists'}" in call


def test_lists_are_fetched_again_when_they_are_old(apt: Apt) -> None:
    apt.command("apt-cache", "echo 'Version: 7.2-1'")
    archive.source_version("p", "trixie")
    archive.source_version("p", "trixie")
    assert len(apt.calls("update")) == 1
    fetched = cache_root() / "apt" / "trixie" / "fetched"
    before = fetched.stat().st_mtime - archive.LISTS_SECONDS - 1
    os.utime(fetched, (before, before))
    archive.source_version("p", "trixie")
    assert len(apt.calls("update")) == 2
    assert fetched.stat().st_mtime > before


def test_old_lists_serve_where_there_is_no_network(apt: Apt) -> None:
    apt.command("apt-cache", "echo 'Version: 7.2-1'")
    archive.source_version("p", "trixie")
    os.utime(cache_root() / "apt" / "trixie" / "fetched", (0, 0))
    apt.get("*) exit 100;;")
    assert archive.source_version("p", "trixie") == "7.2-1"
    with pytest.raises(StepFailedError, match="package lists of sid"):
        archive.source_version("p", "sid")


def test_source_tarball_is_fetched_once(apt: Apt) -> None:
    # Into the folder that it is run in, as the real one does.
    apt.get("*download*) touch p.deb;;")
    apt.command("dpkg-deb", 'mkdir -p "$3/usr/src"; echo all > "$3/usr/src/p.tar.xz"')
    tarball = archive.source_tarball("p", "1-1", "bookworm")
    assert tarball.read_text() == "all\n"
    assert apt.calls("download") == ["apt-get download p=1-1"]
    assert archive.source_tarball("p", "1-1", "bookworm") == tarball
    assert len(apt.calls("download")) == 1
    assert archive.source_tarball("p", "1-2", "bookworm") != tarball


def test_a_version_that_the_archive_dropped(apt: Apt) -> None:
    apt.command("apt-cache", "echo 'Version: 7.2-1'")
    version = archive.source_version("p", "trixie")
    apt.get("*download*) exit 100;;")
    with pytest.raises(LabError, match=r"p download.*the archive drops old versions"):
        archive.source_tarball("p", version, "trixie")
    # So the next run asks for the lists anew.
    archive.source_version("p", "trixie")
    assert len(apt.calls("update")) == 2
