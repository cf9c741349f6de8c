# SPDX-License-Identifier: GPL-2.0-or-later
"""Bootstrap without a guest, and without touching this machine."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

import vmcores
from vmcores import bootstrap
from vmcores.bootstrap import BootstrapError
from vmcores.host import host
from vmcores.host.host import Need

HAVE = Need("the command have", "have-package", lambda: True)
LACK = Need("the command lack", "lack-package", lambda: False)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_nothing_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "apt_knows", lambda package: True)
    bootstrap.install_packages([HAVE], ["linux-source"])


def test_without_root_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "apt_knows", lambda package: True)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(BootstrapError) as caught:
        bootstrap.install_packages([HAVE, LACK], [])
    assert str(caught.value) == (
        "this machine lacks the command lack; as root, run:"
        " apt-get install --yes --no-install-recommends lack-package"
    )


def test_without_root_and_package_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "apt_knows", lambda package: False)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(BootstrapError, match=r"as root, run: apt-get update$"):
        bootstrap.install_packages([HAVE], ["linux-source"])


def test_root_installs_what_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    installed: list[list[str]] = []
    need = Need("the command lack", "lack-package", lambda: bool(installed))

    def run(title: str, argv: list[str], estimate: float, env: dict[str, str]) -> None:
        installed.append(argv)

    monkeypatch.setattr(bootstrap, "apt_knows", lambda package: True)
    monkeypatch.setattr(bootstrap, "run", run)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(shutil, "which", lambda name: f"/bin/{name}")
    bootstrap.install_packages([need], [])
    assert installed == [["apt-get", "install", "--yes", "--no-install-recommends", "lack-package"]]


def test_bare_machine_exits_2_with_the_names(tmp_path: Path) -> None:
    # Without apt-get on the path nothing can be installed, not even as root.
    done = subprocess.run(
        [sys.executable, "-m", "vmcores.bootstrap"],
        cwd=bootstrap.PROJECT,
        env={"PATH": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    for package in ("qemu-system-ppc", "gcc-powerpc64le-linux-gnu", "mmdebstrap", "cpio"):
        assert package in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_only_tests_need_a_browser_and_a_program_of_ppc64le() -> None:
    def packages(needs: Sequence[Need]) -> set[str]:
        return {need.package for need in needs}

    more = packages(host.TEST_NEEDS) - packages(host.LAB_NEEDS)
    assert more == {"chromium-headless-shell", "poppler-utils", "qemu-user"}


def test_missing_header(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "INCLUDE", (tmp_path,))
    assert "libelf-dev" in {need.package for need in host.missing(host.LAB_NEEDS)}
    (tmp_path / "x86_64-linux-gnu" / "openssl").mkdir(parents=True)
    (tmp_path / "x86_64-linux-gnu" / "openssl" / "opensslv.h").touch()
    assert "libssl-dev" not in {need.package for need in host.missing(host.LAB_NEEDS)}


def test_failed_stage_names_its_log(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(BootstrapError, match=r"stage 'my stage' failed with status 3; its log is "):
        bootstrap.run("my stage", [sys.executable, "-c", "exit(3)"], 1, {})


def test_old_python(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        vmcores._require_python((3, 9))
    assert caught.value.code == 2
    assert "needs Python 3.11 or later" in capsys.readouterr().err
