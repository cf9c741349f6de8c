# SPDX-License-Identifier: GPL-2.0-or-later
"""The post's listing gives exactly its two cases."""

from pathlib import Path

import pytest

from tests.support.cli import klp_debug_json, klp_debug_run
from tests.support.listing_object import seed_object


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
