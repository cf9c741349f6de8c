# SPDX-License-Identifier: GPL-2.0-or-later
"""The options that name a target: the files of a dump, one by one or by a pattern."""

import argparse
from pathlib import Path

import pytest

from klp_debug.frontend.target_arguments import add_target_arguments, target_options


def core_files(*words: str | Path) -> list[Path]:
    parser = argparse.ArgumentParser()
    add_target_arguments(parser)
    options = target_options(parser.parse_args([str(word) for word in words]))
    return [] if options.core is None else [options.core, *options.more_parts]


@pytest.fixture
def parts(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"vmcore.{number}" for number in (1, 2, 3)]
    for path in paths:
        path.touch()
    return paths


def test_none() -> None:
    assert core_files() == []


def test_one_and_several(parts: list[Path]) -> None:
    assert core_files("-c", parts[0]) == parts[:1]
    assert core_files("-c", parts[2], "--core", parts[0]) == [parts[2], parts[0]]


def test_a_pattern(parts: list[Path]) -> None:
    assert core_files("-c", parts[0].with_name("vmcore.*")) == parts
    assert core_files("-c", parts[0].with_name("vmcore.[12]")) == parts[:2]


def test_a_file_whose_name_looks_like_a_pattern(parts: list[Path]) -> None:
    odd = parts[0].with_name("vmcore.[12]")
    odd.touch()
    assert core_files("-c", odd) == [odd]


def test_a_pattern_that_nothing_matches_is_named_in_the_error(tmp_path: Path) -> None:
    assert core_files("-c", tmp_path / "no*") == [tmp_path / "no*"]


def test_what_is_no_pattern_either(monkeypatch: pytest.MonkeyPatch, parts: list[Path]) -> None:
    monkeypatch.chdir(parts[0].parent)
    assert core_files("-c", "a**b") == [Path("a**b")]
    assert core_files("-c", "x" * 5000) == [Path("x" * 5000)]
    assert core_files("-c", "vmcore.[23]") == [Path("vmcore.2"), Path("vmcore.3")]
