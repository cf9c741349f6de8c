# SPDX-License-Identifier: GPL-2.0-or-later
"""drgn takes the debugging information of packed modules; nothing is left in the file system."""

import gzip
import lzma
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from drgn import Module, Program

from klp_debug.errors import TargetError
from klp_debug.targets.attaching import PPC64LE
from klp_debug.targets.unpacked_module import ModuleFiles, NoRoomError
from tests.support.made_dwarf import Unit, add_debug_info, structure
from tests.support.made_object import MadeObject

PACKERS: list[tuple[str, Callable[[bytes], bytes]]] = [
    ("x.ko", bytes),
    ("x.ko.debug", bytes),
    ("x.ko.gz", gzip.compress),
    ("x.ko.xz", lzma.compress),
    ("x.ko.zst", zstandard.ZstdCompressor().compress),
]


def with_dwarf() -> bytes:
    made = MadeObject()
    made.text("f", 0x4E800020)
    add_debug_info(made, Unit(entries=[structure("only_of_this_module", 8, a=0)]))
    return made.content()


@pytest.fixture
def module() -> Module:
    module = Program(PPC64LE).relocatable_module("x", 0xC00800 << 40, create=True)
    assert module.wants_debug_file()
    return module


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.mark.parametrize(("name", "pack"), PACKERS)
def test_drgn_takes_it(
    tmp_path: Path, temporary: Path, module: Module, name: str, pack: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / name
    path.write_bytes(pack(with_dwarf()))
    ModuleFiles().try_file(module, path)
    assert not list(temporary.iterdir())
    assert not module.wants_debug_file()
    assert module.prog.type("struct only_of_this_module").size == 8


def test_a_stripped_one_is_not_unpacked_for_drgn(tmp_path: Path, module: Module) -> None:
    path = tmp_path / "x.ko.xz"
    path.write_bytes(lzma.compress(MadeObject().content()))
    ModuleFiles(most=0).try_file(module, path)
    assert module.wants_debug_file()


def test_no_more_than_so_many_bytes(tmp_path: Path, module: Module) -> None:
    path = tmp_path / "x.ko.xz"
    path.write_bytes(lzma.compress(with_dwarf()))
    most = len(with_dwarf())
    with pytest.raises(NoRoomError, match=r"x\.ko\.xz is not unpacked"):
        ModuleFiles(most - 1).try_file(module, path)
    assert module.wants_debug_file()
    files = ModuleFiles(most)
    files.try_file(module, path)
    assert not module.wants_debug_file()
    with pytest.raises(NoRoomError):
        files.try_file(module, path)


@pytest.mark.parametrize(
    "content", [lzma.compress(with_dwarf())[:-20], lzma.compress(b"text")], ids=["cut", "text"]
)
def test_a_damaged_one(tmp_path: Path, module: Module, content: bytes) -> None:
    path = tmp_path / "x.ko.xz"
    path.write_bytes(content)
    with pytest.raises(TargetError):
        ModuleFiles().try_file(module, path)


def test_one_that_is_not_there(tmp_path: Path, module: Module) -> None:
    with pytest.raises(TargetError, match="No such file"):
        ModuleFiles().try_file(module, tmp_path / "x.ko")
