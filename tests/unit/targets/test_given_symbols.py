# SPDX-License-Identifier: GPL-2.0-or-later
"""Files with symbols are found by their names, as distributions lay them out; few are read."""

import os
import time
from pathlib import Path

import pytest

from klp_debug.errors import TargetError
from klp_debug.targets import given_symbols
from klp_debug.targets.given_symbols import GivenSymbols
from klp_debug.targets.symbol_file import SymbolFile, read_symbol_file
from tests.support.made_object import ET_EXEC, MadeObject

MODULE, KERNEL = MadeObject().content(), MadeObject(kind=ET_EXEC).content()


def lay(folder: Path, *names: str) -> Path:
    """Make files, kernels or modules by their names."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(KERNEL if path.name.startswith("vmlinux") else MODULE)
    return folder


DEBIAN = "6.12.86+deb13-powerpc64le"
RHEL = "4.18.0-147.el8.ppc64le"
SUSE = "6.4.0-150600.21-default"


@pytest.mark.parametrize(
    ("release", "vmlinux", "module"),
    [
        (DEBIAN, "boot/vmlinux-{}", "lib/modules/{}/kernel/net/nf-tables.ko"),
        (DEBIAN, "usr/lib/debug/boot/vmlinux-{}", "lib/modules/{}/kernel/net/nf-tables.ko.xz"),
        (RHEL, "lib/modules/{}/vmlinux", "lib/modules/{}/kernel/net/nf_tables.ko.debug"),
        (RHEL, "usr/lib/modules/{}/vmlinux", "usr/lib/modules/{}/kernel/nf_tables.ko.gz"),
        (SUSE, "boot/vmlinux-{}.debug", "lib/modules/{}/kernel/net/nf_tables.ko.debug"),
        (SUSE, "usr/lib/modules/{}/vmlinux.debug", "lib/modules/{}/nf_tables.ko.zst"),
    ],
)
def test_layouts_of_distributions(tmp_path: Path, release: str, vmlinux: str, module: str) -> None:
    """With another kernel's files beside them, which come behind."""
    names = [name.format(one) for one in ("1.0-a", release) for name in (vmlinux, module)]
    given = GivenSymbols([lay(tmp_path, *names)])
    assert [file.path for file in given.kernels(release)] == [
        tmp_path / names[2],
        tmp_path / names[0],
    ]
    assert given.modules("nf_tables", release) == [tmp_path / names[3], tmp_path / names[1]]
    assert given.modules("nf", release) == []


def test_the_debug_file_first_and_packed_ones_last(tmp_path: Path) -> None:
    names = ["a/x.ko.xz", "b/x.ko", "c/x.ko.debug"]
    given = GivenSymbols([lay(tmp_path, *names)])
    assert given.modules("x") == [tmp_path / name for name in reversed(names)]


def test_what_is_no_vmlinux_is_passed_over(tmp_path: Path) -> None:
    """As a build folder has: an object, a linker script, a folder, a link to nowhere, a pipe."""
    (tmp_path / "vmlinux.o").write_bytes(MODULE)
    (tmp_path / "vmlinux.lds").write_text("SECTIONS {}")
    (tmp_path / "vmlinux-folder").mkdir()
    (tmp_path / "vmlinux-link").symlink_to(tmp_path / "nosuch")
    os.mkfifo(tmp_path / "vmlinux-pipe")
    given = GivenSymbols([lay(tmp_path, "vmlinux")])
    assert [file.path for file in given.kernels()] == [tmp_path / "vmlinux"]
    assert given.folders == [tmp_path]


def test_a_file_by_its_name_must_be_one(tmp_path: Path) -> None:
    (tmp_path / "vmlinux").write_text("text")
    with pytest.raises(TargetError, match="no usable ELF file"):
        GivenSymbols([tmp_path / "vmlinux"])
    with pytest.raises(TargetError, match="no such file"):
        GivenSymbols([tmp_path / "nosuch.ko"])


def test_named_files_come_first(tmp_path: Path) -> None:
    lay(tmp_path, "folder/vmlinux-1", "folder/my-patch.ko", "z/vmlinux", "z/my-patch.ko")
    given = GivenSymbols([tmp_path / "folder", *(tmp_path / "z").iterdir()])
    assert [file.path.parent.name for file in given.kernels("1")] == ["z", "folder"]
    assert [path.parent.name for path in given.modules("my_patch")] == ["z", "folder"]


def test_files_that_are_known(tmp_path: Path) -> None:
    files = [
        SymbolFile(path=tmp_path / name, build_id=None, has_dwarf=True, is_module=is_module)
        for name, is_module in (("a", False), ("b", True))
    ]
    given = GivenSymbols(known=files)
    assert list(given.kernels()) == files[:1]
    assert given.modules("b") == [tmp_path / "b"]


def test_a_folder_of_a_distribution_takes_no_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of its 3,000 files none but vmlinux is read."""
    first = lay(tmp_path, "lib/modules/1/vmlinux", "lib/modules/1/kernel/m-0.ko") / "lib/modules/1"
    for number in range(1, 3000):
        folder = first / f"kernel/{number % 50}"
        folder.mkdir(exist_ok=True)
        os.link(first / "kernel/m-0.ko", folder / f"m-{number}.ko.xz")
    read: list[Path] = []

    def reading(path: Path) -> SymbolFile:
        read.append(path)
        return read_symbol_file(path)

    monkeypatch.setattr(given_symbols, "read_symbol_file", reading)
    start = time.process_time()
    given = GivenSymbols([tmp_path])
    assert len(list(given.kernels("1"))) == 1
    assert all(given.modules(f"m_{number}", "1") for number in range(100))
    assert time.process_time() - start < 0.3
    assert read == [first / "vmlinux"]
