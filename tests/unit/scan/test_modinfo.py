# SPDX-License-Identifier: GPL-2.0-or-later
"""What a module says of itself."""

from pathlib import Path

import pytest

from klp_debug.elf.object_file import ObjectFile
from klp_debug.scan.modinfo import ModInfo, modinfo_of
from tests.support.made_object import MadeObject
from tests.support.made_patch import modinfo


def told(tmp_path: Path, *entries: str) -> ModInfo:
    made = MadeObject()
    made.text(".text", 0x4E800020)
    if entries:
        made.section(".modinfo", modinfo(*entries))
    return modinfo_of(ObjectFile(made.write(tmp_path / "a.ko")))


def test_a_livepatch(tmp_path: Path) -> None:
    info = told(tmp_path, "livepatch=Y", "name=a", "vermagic=6.1.176 SMP mprofile-kernel ")
    assert (info.name, info.livepatch, info.release) == ("a", True, (6, 1))
    assert not info.has_patchable_sites


def test_no_entries(tmp_path: Path) -> None:
    info = told(tmp_path)
    assert info == ModInfo(name=None, livepatch=False, vermagic=None)
    assert info.release is None


def test_the_first_of_two_entries_counts_and_only_y_is_yes(tmp_path: Path) -> None:
    info = told(tmp_path, "name=a", "name=b", "livepatch=N", "odd", "=")
    assert (info.name, info.livepatch) == ("a", False)


@pytest.mark.parametrize(
    ("vermagic", "release", "patchable"),
    [
        ("4.5.0-rc1 SMP mod_unload mprofile-kernel ", (4, 5), False),
        ("7.2.12 SMP preempt patchable-function-entry relocatable ", (7, 2), True),
        ("next SMP", None, False),
        ("99999.1 SMP", None, False),
    ],
)
def test_kernels(
    tmp_path: Path, vermagic: str, release: tuple[int, int] | None, patchable: bool
) -> None:
    info = told(tmp_path, f"vermagic={vermagic}")
    assert (info.release, info.has_patchable_sites) == (release, patchable)
