# SPDX-License-Identifier: GPL-2.0-or-later
"""What a vmlinux or a module is, by its headers."""

import lzma
from pathlib import Path

import pytest

from klp_debug.errors import TargetError
from klp_debug.targets.symbol_file import read_symbol_file
from tests.support.made_dwarf import Unit, add_debug_info
from tests.support.made_object import ET_EXEC, MadeObject


@pytest.mark.parametrize("kind", [1, ET_EXEC])
@pytest.mark.parametrize("dwarf", [False, True])
def test_plain(tmp_path: Path, kind: int, dwarf: bool) -> None:
    made = MadeObject(kind=kind)
    if dwarf:
        add_debug_info(made, Unit())
    file = read_symbol_file(made.write(tmp_path / "file"))
    assert (file.is_module, file.has_dwarf, file.build_id) == (kind == 1, dwarf, None)


def test_packed(tmp_path: Path) -> None:
    path = tmp_path / "a.ko.xz"
    path.write_bytes(lzma.compress(MadeObject().content()))
    assert read_symbol_file(path).is_module
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(TargetError, match="damaged or truncated packed file"):
        read_symbol_file(path)
    path.write_bytes(lzma.compress(MadeObject(kind=ET_EXEC).content()))
    with pytest.raises(TargetError, match="is a packed vmlinux: unpack it first"):
        read_symbol_file(path)


def test_of_another_machine(tmp_path: Path) -> None:
    path = MadeObject(machine=62).write(tmp_path / "a.ko")
    with pytest.raises(TargetError, match="no ppc64le kernel or module"):
        read_symbol_file(path)
