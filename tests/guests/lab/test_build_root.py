# SPDX-License-Identifier: GPL-2.0-or-later
"""What a recipe's commands really do in a build root."""

from pathlib import Path

import pytest

from tests.support.toolchain_output import output
from vmcores.build.toolchain import Toolchain
from vmcores.host.cache import cache_root

pytestmark = pytest.mark.lab


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


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
