# SPDX-License-Identifier: GPL-2.0-or-later
import subprocess
import sys
from pathlib import Path

import pytest

from vmcores.bootstrap import PROJECT
from vmcores.host import cache


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def test_follows_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cache.cache_root() == tmp_path / "klp-debug"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", "/home/someone")
    assert cache.cache_root() == Path("/home/someone/.cache/klp-debug")


def test_entry_is_made_once() -> None:
    calls = []

    def make(folder: Path) -> None:
        calls.append(folder)
        (folder / "file").write_text("made")

    first = cache.entry("kind", "label", "key", make)
    assert cache.entry("kind", "label", "key", make) == first
    assert len(calls) == 1
    assert (first / "file").read_text() == "made"


def test_failed_entry_is_absent() -> None:
    def fail(folder: Path) -> None:
        (folder / "half").write_text("")
        raise ValueError

    with pytest.raises(ValueError):
        cache.entry("kind", "label", "key", fail)
    made = cache.entry("kind", "label", "key", lambda folder: None)
    assert list(made.iterdir()) == []


def partial_of(kind: str, name: str) -> Path:
    folder = cache.cache_root() / kind / f"{name}.partial"
    folder.mkdir(parents=True)
    (folder / "half").write_text("")
    return folder


def test_what_a_killed_run_left_is_removed() -> None:
    same, other = partial_of("kind", "label-key"), partial_of("captures", "patched-6.1-ff")
    made = cache.entry("kind", "label", "key", lambda folder: None)
    assert list(made.iterdir()) == []
    assert not same.exists()
    assert not other.exists()


# Begins an entry, tells so, and never ends it.
CHILD = """
import time
from vmcores.host import cache
def make(folder):
    (folder / "half").write_text("")
    print(folder, flush=True)
    time.sleep(300)
cache.entry("kind", "label", "key", make)
"""


def test_what_another_run_makes_stays_until_it_is_killed() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", CHILD], cwd=PROJECT, stdout=subprocess.PIPE, text=True
    ) as child:
        try:
            assert child.stdout is not None
            partial = Path(child.stdout.readline().strip())
            cache.entry("kind", "label", "other", lambda folder: None)
            assert (partial / "half").exists()
        finally:
            child.kill()
    cache.entry("kind", "label", "third", lambda folder: None)
    assert not partial.exists()


def test_what_this_run_makes_stays() -> None:
    def make(folder: Path) -> None:
        cache.entry("inner", "label", "key", lambda inner: None)
        assert folder.exists()

    assert cache.entry("outer", "label", "key", make).exists()


def test_key_depends_on_every_part() -> None:
    keys = {cache.key_of("a", {"b": 1}), cache.key_of("a", {"b": 2}), cache.key_of("a", {"c": 1})}
    assert len(keys) == 3
    assert cache.key_of({"a": 1, "b": 2}) == cache.key_of({"b": 2, "a": 1})


def test_digests_see_a_change(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("one")
    before = cache.file_digests(tmp_path)
    (tmp_path / "file").write_text("two")
    assert cache.file_digests(tmp_path) != before
