# SPDX-License-Identifier: GPL-2.0-or-later
"""Where a recipe's commands run: what the commands really do, on the host and in a build root."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from vmcores.build.toolchain import Toolchain, toolchain
from vmcores.errors import LabError
from vmcores.host.cache import cache_root


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def output(toolchain: Toolchain, script: str, **environment: str) -> str:
    argv = toolchain.command(["sh", "-c", script], environment)
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout


def test_on_the_host() -> None:
    assert toolchain(None) == Toolchain()
    assert output(Toolchain(), 'echo "$A"', A="one two = $HOME") == "one two = $HOME\n"


@pytest.mark.lab
def test_in_a_build_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """The host's own tree serves as the root: it has a shell."""
    monkeypatch.setenv("OUTER", "must not be seen inside")
    cache_root().mkdir(parents=True)
    outside = cache_root().parent / "outside"
    outside.touch()
    root = Toolchain(Path("/"))
    script = f'echo "$A,$OUTER"; echo made > {cache_root()}/file; test -e {outside} || echo absent'
    # /tmp, which the cache of this test is in, is private but for the cache.
    assert output(root, script, A="one two") == "one two,\nabsent\n"
    assert (cache_root() / "file").read_text() == "made\n"


def test_version() -> None:
    said = subprocess.run([sys.executable, "--version"], capture_output=True, text=True, check=True)
    assert Toolchain().version(sys.executable) == said.stdout.strip()
    with pytest.raises(LabError, match="no-such-gcc does not run"):
        Toolchain().version("no-such-gcc")


def test_build_root_without_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(LabError, match="a tree of trixie can be installed by root only"):
        toolchain("trixie")
