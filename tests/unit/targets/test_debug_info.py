# SPDX-License-Identifier: GPL-2.0-or-later
"""Which vmlinux is taken of those that are named, and which file of a module."""

import lzma
from collections.abc import Iterator
from pathlib import Path

import pytest
from drgn import Module, Program

from klp_debug.errors import TargetError
from klp_debug.targets import debug_info
from klp_debug.targets.attaching import PPC64LE
from klp_debug.targets.debug_info import DebugInfo, choose_vmlinux
from klp_debug.targets.given_symbols import GivenSymbols
from klp_debug.targets.symbol_file import SymbolFile
from klp_debug.targets.unpacked_module import ModuleFiles
from tests.support.made_dwarf import Unit, add_debug_info
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


def test_none_is_named() -> None:
    assert choose_vmlinux([], "ff", RELEASE) is None


def test_no_more_are_looked_at_than_up_to_that(tmp_path: Path) -> None:
    """Of a folder with kernels of all releases that of the target comes first."""
    right = vmlinux(tmp_path, "b", RELEASE, "ff")

    def files() -> Iterator[SymbolFile]:
        yield vmlinux(tmp_path, "a", RELEASE, "ff", dwarf=False)
        yield right
        raise AssertionError

    assert choose_vmlinux(files(), "ff", RELEASE) == right


def loaded_module(name: str) -> Module:
    program = Program(PPC64LE)
    return program.relocatable_module(name, 0xC00800 << 40, create=True)


def module_file(path: Path, *, dwarf: bool) -> Path:
    made = MadeObject()
    if dwarf:
        add_debug_info(made, Unit())
    path.write_bytes(lzma.compress(made.content()) if path.suffix == ".xz" else made.content())
    return path


def test_of_a_modules_files_that_which_has_its_debugging_information(tmp_path: Path) -> None:
    """A folder has the stripped module beside its debug file; one link in it leads nowhere."""
    module_file(tmp_path / "my-patch.ko.xz", dwarf=False)
    (tmp_path / "my_patch.ko.debug").symlink_to(tmp_path / "nosuch")
    (tmp_path / "a").mkdir()
    right = module_file(tmp_path / "a/my-patch.ko.debug", dwarf=True)
    module = loaded_module("my_patch")
    assert DebugInfo(GivenSymbols([tmp_path])).load_files([module], RELEASE) == []
    assert module.debug_file_path == str(right)


def test_too_much_to_unpack_is_said_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(debug_info, "ModuleFiles", lambda: ModuleFiles(most=0))
    for name in "ab":
        module_file(tmp_path / f"{name}.ko.xz", dwarf=True)
    modules = [loaded_module(name) for name in "ab"]
    (problem,) = DebugInfo(GivenSymbols([tmp_path])).load_files(modules, RELEASE)
    assert problem.what.startswith(f"{tmp_path}/a.ko.xz is not unpacked")
