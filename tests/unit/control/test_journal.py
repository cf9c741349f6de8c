# SPDX-License-Identifier: GPL-2.0-or-later
"""The journal: what it says after its writer, the disk or another tool failed."""

import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klp_debug.control import fsync
from klp_debug.control.journal import (
    JournalWriter,
    journal_folder,
    journal_path,
    open_journal,
    other_journals,
    read_journal,
)
from klp_debug.errors import TargetError
from klp_debug.result.address import Address
from klp_debug.result.control import PlannedWrite
from tests.support.answers.change import WRITE

BUILD_ID = "9bb022abbd13581e" * 2
BOOT = "6e61fd6b4d500b67"


def a_write(number: int = 0) -> PlannedWrite:
    return replace(WRITE, address=Address(WRITE.address + 8 * number))


@pytest.fixture
def writer() -> Iterator[JournalWriter]:
    with open_journal(BUILD_ID, BOOT, "6.1.176") as writer:
        yield writer


def path() -> Path:
    return journal_path(BUILD_ID, BOOT)


def two_operations(writer: JournalWriter) -> None:
    first = writer.begin(
        action="disarm",
        patch="leaf_patch",
        writes=[a_write(0), a_write(1)],
        undoes=(),
        forced=("task-inside",),
    )
    for index in range(2):
        writer.intent(first, index)
        writer.done(first, index)
    writer.end(first, "done")
    second = writer.begin(
        action="undo",
        patch="leaf_patch",
        writes=[a_write(0).reverse],
        undoes=(first.number,),
        forced=(),
    )
    writer.intent(second, 0)


def test_what_is_written_is_read(writer: JournalWriter) -> None:
    two_operations(writer)
    first, second = read_journal(path(), BOOT).operations
    assert (first.number, first.action, first.end) == (1, "disarm", "done")
    assert first.writes == (a_write(0), a_write(1))
    assert first.forced == ("task-inside",)
    assert (second.undoes, second.end) == ((1,), None)
    text = read_journal(path(), BOOT)
    assert [operation.number for operation in text.unfinished] == [2]
    assert [operation.number for operation in text.in_force] == [1]


@given(st.data())
def test_torn_anywhere_it_says_what_was_complete(data: st.DataObject) -> None:
    """Cut at any byte: the lines before say what they said, and the rest did not begin."""
    with open_journal(BUILD_ID, "0" * 16, "6.1.176") as writer:
        if not writer.text.operations:
            two_operations(writer)
    whole = journal_path(BUILD_ID, "0" * 16).read_bytes()
    length = data.draw(st.integers(0, len(whole)))
    torn = journal_path(BUILD_ID, "f" * 16)
    torn.write_bytes(whole[:length].replace(b"0" * 16, b"f" * 16))
    # A line that lacks its newline only is whole.
    complete = torn.read_bytes().count(b"\n") + (whole[length : length + 1] == b"\n")
    text = read_journal(torn, "f" * 16) if complete else None
    kinds = [line.split(b'"')[3] for line in whole.split(b"\n")[:complete]]
    if text is not None:
        assert len(text.operations) == kinds.count(b"begin")
        assert sum(operation.end is not None for operation in text.operations) == kinds.count(
            b"end"
        )
    # The next writer begins a line of its own.
    with open_journal(BUILD_ID, "f" * 16, "6.1.176") as writer:
        number = writer.begin(
            action="disarm", patch="leaf_patch", writes=[a_write()], undoes=(), forced=()
        ).number
    again = read_journal(torn, "f" * 16)
    assert again.operations[-1].number == number
    cut = length and whole[length - 1 : length] != b"\n" and whole[length : length + 1] != b"\n"
    assert again.torn == bool(cut)
    torn.unlink()


def test_another_tool_at_work(writer: JournalWriter) -> None:
    """A lock of another process: flock() of this one would be ours."""
    code = (
        "from klp_debug.control.journal import open_journal\n"
        "from klp_debug.errors import TargetError\n"
        "try:\n"
        f"    with open_journal({BUILD_ID!r}, {BOOT!r}, '6.1.176'): print('ours')\n"
        "except TargetError as error: print(error)\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.startswith("another klp-debug is at work on this kernel: it holds ")


def test_a_journal_of_another_boot_is_not_taken() -> None:
    with open_journal(BUILD_ID, BOOT, "6.1.176") as writer:
        two_operations(writer)
    other = "1" * 16
    assert other_journals(BUILD_ID, other) == [path()]
    assert other_journals(BUILD_ID, BOOT) == []
    path().rename(journal_path(BUILD_ID, other))
    with pytest.raises(TargetError, match="is about another boot of this kernel"):
        read_journal(journal_path(BUILD_ID, other), other)
    with pytest.raises(TargetError, match="another boot"), open_journal(BUILD_ID, other, "6.1"):
        pass


def test_a_later_version_of_the_format(writer: JournalWriter) -> None:
    two_operations(writer)
    path().write_text(path().read_text().replace('"version": 1', '"version": 2'))
    with pytest.raises(TargetError, match="is of version 2 of the format"):
        read_journal(path(), BOOT)


def test_it_is_for_its_user_alone(writer: JournalWriter, state_home: Path) -> None:
    assert path().stat().st_mode & 0o777 == 0o600
    assert journal_folder() == state_home / "klp-debug" / "journal"
    assert journal_folder().stat().st_mode & 0o777 == 0o700


def test_a_relative_state_home_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "state")
    assert journal_folder() == Path.home() / ".local/state/klp-debug/journal"


def test_every_line_is_on_the_disk_before_the_call_returns(
    writer: JournalWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    happened: list[str] = []
    write, fsync = os.write, os.fsync

    def noting_write(descriptor: int, data: bytes) -> int:
        happened.append("write")
        return write(descriptor, data)

    def noting_fsync(descriptor: int) -> None:
        happened.append("fsync")
        fsync(descriptor)

    monkeypatch.setattr(os, "write", noting_write)
    monkeypatch.setattr(os, "fsync", noting_fsync)
    two_operations(writer)
    assert happened == ["write", "fsync"] * 8


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this machine has no /dev/full")
def test_a_full_disk_is_told() -> None:
    descriptor = os.open("/dev/full", os.O_WRONLY)
    try:
        with pytest.raises(OSError, match="No space left") as error:
            fsync.DurableLines(descriptor).append("{}")
        assert error.value.errno == errno.ENOSPC
    finally:
        os.close(descriptor)


def test_a_folder_that_cannot_be_made(state_home: Path) -> None:
    (state_home / "klp-debug").write_text("in the way")
    with pytest.raises(TargetError, match="cannot be written"), open_journal(BUILD_ID, BOOT, "6.1"):
        pass
