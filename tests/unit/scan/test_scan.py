# SPDX-License-Identifier: GPL-2.0-or-later
"""The post's listing gives exactly its two cases."""

from pathlib import Path

import pytest

from klp_debug.result.scan import Scan, ScanPart, ScanRest
from klp_debug.scan.scan import Scanner
from tests.support.cli import klp_debug_json, klp_debug_run
from tests.support.listing_object import seed_object
from tests.support.made_module import made_module
from tests.support.made_patch import Func, made_patch


@pytest.fixture
def seed(tmp_path: Path) -> Path:
    return seed_object().write(tmp_path / "scsi_common.o")


def test_the_two_cases(seed: Path) -> None:
    (file,) = klp_debug_json("scan", seed, "--functions")["files"]
    assert file["kind"] == "object"
    assert file["dialect"] == "mprofile-kernel (3 instructions)"
    assert file["compilers"] == ["GCC: (SUSE Linux) 4.8.5"]
    assert file["site_sources"] == ["calls of _mcount"]
    # objdump shows "bl 2d8 <int_to_scsilun+0x8>" and "bl 340 <scsi_set_sense_information+0x10>".
    assert [(one["name"], one["kind"], one["site"]) for one in file["functions"]] == [
        ("int_to_scsilun", "leaf", 0x8),
        ("scsi_set_sense_information", "toc", 0x10),
    ]


def test_only_the_leaf(seed: Path) -> None:
    (file,) = klp_debug_json("scan", seed, "--leaf")["files"]
    assert [one["name"] for one in file["functions"]] == ["int_to_scsilun"]


def test_the_offset_is_no_constant(seed: Path) -> None:
    ran = klp_debug_run("scan", seed)
    assert (ran.status, ran.err) == (0, "")
    told = "is it a constant? no: +0x8 for 1 leaf function without TOC, +0x10 for 1 with TOC"
    assert told in ran.out


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a.ko", "b.ko"):
        made_module().write(tmp_path / name)
    made_patch({"scsi_common": [Func("f")]}).write(tmp_path / "c.ko")
    (tmp_path / "cut.ko").write_bytes(made_module().content()[:-1])
    return tmp_path


def test_each_file_of_a_folder_is_shown_when_it_is_done(folder: Path) -> None:
    said: list[str] = []
    shown: list[tuple[str, int, list[str]]] = []

    def show(part: ScanPart) -> None:
        (file,) = part.files
        shown.append((Path(file.path).name, len(said), [one.id for one in part.hazards]))

    answer = Scanner().scan([folder], "warning", said.append, show)
    assert said == [f"{n} of 4, {name}.ko" for n, name in enumerate(("a", "b", "c", "cut"), 1)]
    assert shown == [("a.ko", 1, []), ("b.ko", 2, []), ("c.ko", 3, ["object-not-given"])]
    assert isinstance(answer, ScanRest)
    assert [Path(file.path).name for file in answer.files] == ["a.ko", "b.ko", "c.ko"]
    assert [Path(one.where).name for one in answer.problems] == ["cut.ko"]


def test_named_files_are_one_answer(folder: Path) -> None:
    paths = [folder / "a.ko", folder / "c.ko"]
    answer = Scanner().scan(paths, "warning", print, lambda part: pytest.fail("shown"))
    assert type(answer) is Scan


def test_the_text_of_a_folder_ends_with_what_was_found(folder: Path) -> None:
    ran = klp_debug_run("scan", folder)
    lines = ran.out.splitlines()
    assert lines[0].startswith(f"{folder / 'a.ko'}: module, functions ")
    assert lines[lines.index("problems") - 2] == "1 warning in 3 files"
    assert ran.status == 1
    assert len(klp_debug_json("scan", folder, status=1)["files"]) == 3
