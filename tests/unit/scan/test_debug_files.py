# SPDX-License-Identifier: GPL-2.0-or-later
"""What was split off which file, and what is refused where the file itself is missing."""

import struct
from pathlib import Path

import pytest

from klp_debug.errors import DebugFileError, TargetError
from klp_debug.scan.debug_files import DebugFiles
from klp_debug.scan.scan import Scanner
from tests.support.made_module import made_module
from tests.support.made_object import ALLOC, EXEC, NOBITS, PROGBITS, SYMTAB, MadeObject
from tests.support.scan_refusal import refused

ID, OTHER_ID = b"\x11" * 20, b"\x22" * 20
NOTE = 7
HEADER, TYPE, FLAGS = 64, 4, 8


def module(build_id: bytes | None = ID) -> MadeObject:
    made = made_module()
    if build_id is not None:
        data = struct.pack("<III4s", 4, len(build_id), 3, b"GNU\0") + build_id
        made.section(".note.gnu.build-id", data, ALLOC, NOTE)
    return made


def only_debug(whole: bytes) -> bytes:
    """Return a file whose text was left out, as ``objcopy --only-keep-debug`` does."""
    return with_type(whole, lambda type_, flags: bool(flags & EXEC) and type_ == PROGBITS, NOBITS)


def stripped(whole: bytes) -> bytes:
    return with_type(whole, lambda type_, flags: type_ == SYMTAB, PROGBITS)


def with_type(whole: bytes, is_one: object, new: int) -> bytes:
    assert callable(is_one)
    changed = bytearray(whole)
    start, count = struct.unpack_from("<Q", whole, 40)[0], struct.unpack_from("<H", whole, 60)[0]
    for at in range(start, start + count * HEADER, HEADER):
        (type_,) = struct.unpack_from("<I", whole, at + TYPE)
        (flags,) = struct.unpack_from("<Q", whole, at + FLAGS)
        if is_one(type_, flags):
            struct.pack_into("<I", changed, at + TYPE, new)
    return bytes(changed)


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    return module().write(tmp_path / "scsi_common.ko")


def split_off(path: Path, build_id: bytes | None = ID) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(only_debug(module(build_id).content()))
    return path


def test_they_are_told_by_their_build_ids(tmp_path: Path, whole: Path) -> None:
    mine = split_off(tmp_path / "scsi_common.ko.debug")
    other = split_off(tmp_path / "debug" / "scsi_common.ko", OTHER_ID)
    files = DebugFiles([other, whole, mine])
    assert files.used == {mine}
    assert files.open(whole).build_id == ID
    with pytest.raises(DebugFileError, match="of build ID 2222"):
        files.open(other)


@pytest.mark.parametrize(("ids", "belongs"), [((None, ID), True), ((ID, None), True)])
def test_without_a_build_id_by_their_names(
    tmp_path: Path, ids: tuple[bytes | None, bytes | None], belongs: bool
) -> None:
    whole = module(ids[0]).write(tmp_path / "scsi_common.ko")
    mine = split_off(tmp_path / "scsi_common.ko.debug", ids[1])
    assert (DebugFiles([whole, mine]).used == {mine}) is belongs
    second = module(None).write(tmp_path / "scsi-common.ko")
    assert DebugFiles([whole, second, split_off(mine, None)]).used == set()


def test_one_of_another_object_is_not_even_opened(tmp_path: Path, whole: Path) -> None:
    other = tmp_path / "ext4.ko.debug"
    other.write_text("hello")
    assert DebugFiles([whole, other]).used == set()


def test_one_that_cannot_be_read_is_refused_when_it_is_opened(tmp_path: Path, whole: Path) -> None:
    damaged = tmp_path / "scsi_common.ko.debug"
    damaged.write_text("hello")
    files = DebugFiles([whole, damaged])
    assert files.used == set()
    with pytest.raises(TargetError, match="is not an ELF file"):
        files.open(damaged)


def test_alone_it_is_refused_by_the_name_of_what_is_needed(tmp_path: Path) -> None:
    said = refused(split_off(tmp_path / "scsi_common.ko.debug"))
    assert "holds debugging information alone and no instructions: give scsi_common.ko too" in said
    said = refused(split_off(tmp_path / "debug" / "scsi_common.ko"))
    assert "give the scsi_common.ko itself too" in said


def test_of_a_stripped_file_the_symbols_are_those_that_were_split_off(
    tmp_path: Path, whole: Path
) -> None:
    expected = Scanner(kinds=None).scan([whole], "note", print).files[0].counts
    mine = split_off(tmp_path / "scsi_common.ko.debug")
    whole.write_bytes(stripped(whole.read_bytes()))
    assert "is stripped" in refused(whole)
    (file,) = Scanner().scan([mine, whole], "note", print).files
    assert (file.path, file.counts) == (str(whole), expected)


def test_those_in_a_folder_are_one_problem(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        split_off(tmp_path / f"{name}.ko.debug")
    module().write(tmp_path / "c.ko")
    answer = Scanner().scan([tmp_path], "note", lambda name: None)
    assert [Path(file.path).name for file in answer.files] == ["c.ko"]
    (problem,) = answer.problems
    assert problem.where.endswith("a.ko.debug")
    assert problem.what.endswith("; 1 other file of the folders likewise")
