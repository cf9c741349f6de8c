# SPDX-License-Identifier: GPL-2.0-or-later
"""Which vmlinux is taken of those that are named."""

from pathlib import Path

import pytest

from klp_debug.errors import TargetError
from klp_debug.targets.debug_info import SymbolFile, choose_vmlinux
from tests.support.made_object import ALLOC, ET_EXEC, MadeObject

RELEASE = "4.18.0-147.el8.ppc64le"


def vmlinux(
    folder: Path, name: str, release: str, build_id: str | None = None, *, dwarf: bool = True
) -> SymbolFile:
    made = MadeObject(kind=ET_EXEC)
    made.section(".rodata", f"Linux version {release} (a@b) #1 SMP\n\0".encode(), ALLOC)
    path = made.write(folder / name)
    return SymbolFile(path=path, build_id=build_id, has_dwarf=dwarf, is_module=False)


def test_that_of_its_build_id(tmp_path: Path) -> None:
    files = [vmlinux(tmp_path, "a", RELEASE, "00"), vmlinux(tmp_path, "b", RELEASE, "ff")]
    assert choose_vmlinux(files, "ff", RELEASE) == files[1]


def test_without_a_build_id_that_of_its_release(tmp_path: Path) -> None:
    """As of a target before v5.9; the release alone does not make it the same build."""
    files = [vmlinux(tmp_path, "a", "5.10.0", "00"), vmlinux(tmp_path, "b", RELEASE)]
    assert choose_vmlinux(files, None, RELEASE) == files[1]


@pytest.mark.parametrize("build_id", [None, "ff"])
def test_that_of_another_kernel_is_named_as_such(tmp_path: Path, build_id: str | None) -> None:
    other = vmlinux(tmp_path, "a", "5.10.0", "00")
    with pytest.raises(TargetError) as caught:
        choose_vmlinux([other], build_id, RELEASE)
    assert str(caught.value) == f"{other.path} is of kernel 5.10.0, the target runs {RELEASE}"


def test_of_another_build_of_the_same(tmp_path: Path) -> None:
    other = vmlinux(tmp_path, "a", RELEASE)
    with pytest.raises(TargetError, match=r"another build: its build id is missing, .* is ff$"):
        choose_vmlinux([other], "ff", RELEASE)


def test_none_of_them_has_dwarf(tmp_path: Path) -> None:
    with pytest.raises(TargetError, match="has no DWARF"):
        choose_vmlinux([vmlinux(tmp_path, "a", RELEASE, "ff", dwarf=False)], "ff", RELEASE)


def test_none_is_named(tmp_path: Path) -> None:
    module = SymbolFile(path=tmp_path, build_id="ff", has_dwarf=True, is_module=True)
    assert choose_vmlinux([module], "ff", RELEASE) is None
