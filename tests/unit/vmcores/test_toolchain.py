# SPDX-License-Identifier: GPL-2.0-or-later
"""Where a recipe's commands run: what the commands really do on the host."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.toolchain_output import output
from vmcores.build.toolchain import Toolchain, toolchain
from vmcores.errors import LabError


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_on_the_host() -> None:
    assert toolchain(None) == Toolchain()
    assert output(Toolchain(), 'echo "$A"', A="one two = $HOME") == "one two = $HOME\n"


def test_version() -> None:
    said = subprocess.run([sys.executable, "--version"], capture_output=True, text=True, check=True)
    assert Toolchain().version(sys.executable) == said.stdout.strip()
    with pytest.raises(LabError, match="no-such-gcc does not run"):
        Toolchain().version("no-such-gcc")


def test_build_root_without_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(LabError, match="a tree of trixie can be installed by root only"):
        toolchain("trixie")
