# SPDX-License-Identifier: GPL-2.0-or-later
from pathlib import Path

import pytest

from vmcores import cache


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


def test_key_depends_on_every_part() -> None:
    keys = {cache.key_of("a", {"b": 1}), cache.key_of("a", {"b": 2}), cache.key_of("a", {"c": 1})}
    assert len(keys) == 3
    assert cache.key_of({"a": 1, "b": 2}) == cache.key_of({"b": 2, "a": 1})


def test_digests_see_a_change(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("one")
    before = cache.file_digests(tmp_path)
    (tmp_path / "file").write_text("two")
    assert cache.file_digests(tmp_path) != before
