# SPDX-License-Identifier: GPL-2.0-or-later
"""Files that ``scan`` cannot use, as a user gives them; test_object_file.py has more."""

import os
import sys
from pathlib import Path

import pytest

from tests.support.cli import klp_debug_json, klp_debug_run, refusal
from tests.support.listing_object import seed_object
from tests.support.made_object import MadeObject
from tests.support.made_patch import Func, made_patch


@pytest.fixture
def seed(tmp_path: Path) -> Path:
    return seed_object().write(tmp_path / "scsi_common.o")


def test_no_file() -> None:
    ran = klp_debug_run("scan")
    assert ran.status == 2
    assert "FILE" in ran.err


def test_no_such_file(tmp_path: Path) -> None:
    assert "no such file" in refusal("scan", tmp_path / "a.ko")
    assert "no such file" in refusal("scan", tmp_path, "--baseline", tmp_path / "b").lower()


def test_neither_file_nor_folder(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "is neither a file nor a folder" in refusal("scan", tmp_path / "pipe")


def test_of_this_machine() -> None:
    message = refusal("scan", os.path.realpath(sys.executable))
    if os.uname().machine == "x86_64":
        assert "is of another machine (x86_64)" in message


def test_a_bad_object_to_compare_with(tmp_path: Path, seed: Path) -> None:
    other = tmp_path / "vmlinux"
    other.write_text("hello\n")
    message = refusal("scan", seed, "--against", other)
    assert message == f"klp-debug: {other} is not an ELF file\n"


def test_a_level_that_is_none(seed: Path) -> None:
    assert klp_debug_run("scan", seed, "--fail-on", "fatal").status == 2


def test_two_formats(seed: Path) -> None:
    ran = klp_debug_run("scan", seed, "--json", "--sarif")
    assert ran.status == 2
    assert "not allowed with" in ran.err


def test_a_folder_without_objects(tmp_path: Path) -> None:
    assert "holds no .o, .ko or vmlinux file" in refusal("scan", tmp_path)


def test_a_folder_with_all_sorts(tmp_path: Path) -> None:
    """A build has tools of its own machine; a module that is cut short is a problem."""
    seed_object().write(tmp_path / "a.o")
    MadeObject(machine=62).write(tmp_path / "tool.o")
    whole = seed_object().content()
    (tmp_path / "cut.ko").write_bytes(whole[:-1])
    (tmp_path / "notes.txt").write_text("hello\n")
    document = klp_debug_json("scan", tmp_path, status=1)
    assert [Path(file["path"]).name for file in document["files"]] == ["a.o"]
    assert document["skipped"] == 1
    (problem,) = document["problems"]
    assert problem["where"].endswith("cut.ko")
    assert "is truncated" in problem["what"]


def test_for_the_continuous_integration_of_a_build(tmp_path: Path) -> None:
    patch = made_patch({"scsi_common": [Func("f")]}).write(tmp_path / "p.ko")
    assert klp_debug_run("scan", patch).status == 1
    assert klp_debug_run("scan", patch, "--fail-on", "error").status == 0
    baseline = tmp_path / "baseline.json"
    baseline.write_text(klp_debug_run("scan", patch, "--json").out)
    ran = klp_debug_run("scan", patch, "--baseline", baseline)
    assert ran.status == 0
    assert ran.out.startswith("no new hazard in 1 file; 1 more accepted\n")
    assert klp_debug_run("scan", patch, "--sarif").status == 1
