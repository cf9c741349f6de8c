# SPDX-License-Identifier: GPL-2.0-or-later
"""Which files a user means by a folder, and what object each is."""

from pathlib import Path

import pytest

from klp_debug.errors import TargetError
from klp_debug.scan.files import candidates, object_name


def test_a_named_file_is_taken_whatever_its_name(tmp_path: Path) -> None:
    (one,) = candidates([tmp_path / "no.such"])
    assert (one.path, one.named) == (tmp_path / "no.such", True)


def test_objects_in_a_folder(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "folder.ko").mkdir()
    objects = ["a.ko", "b.o", "c.ko.xz", "d.ko.zst", "deep/e.ko.gz", "vmlinux", "vmlinux-6.1.176"]
    for name in (*objects, "f.txt", "g.ko.bz2", "System.map", "not-vmlinux", ".ko"):
        (tmp_path / name).touch()
    found = list(candidates([tmp_path]))
    assert [str(one.path.relative_to(tmp_path)) for one in found] == objects
    assert not any(one.named for one in found)


def test_a_folder_without_objects(tmp_path: Path) -> None:
    (tmp_path / "f.txt").touch()
    with pytest.raises(TargetError, match=r"holds no \.o, \.ko or vmlinux file"):
        list(candidates([tmp_path]))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("scsi_common.ko", "scsi_common"),
        ("snd-hda-core.ko.xz", "snd_hda_core"),
        ("vmlinux", "vmlinux"),
        ("vmlinux-6.1.176", "vmlinux"),
        ("vmlinux.o", "vmlinux"),
    ],
)
def test_what_livepatch_calls_it(name: str, expected: str) -> None:
    assert object_name(Path("lib", name)) == expected
