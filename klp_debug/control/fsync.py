# SPDX-License-Identifier: GPL-2.0-or-later
"""A file of lines that are on the disk when a call returns, and that one process writes at once."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path


class BusyError(Exception):
    """Another process writes the file."""


class DurableLines:
    """Appends lines to a file that is locked; see :func:`open_durable`."""

    def __init__(self, descriptor: int) -> None:
        """Take an open, locked file."""
        self._descriptor = descriptor

    def append(self, line: str) -> None:
        """
        Write a line and wait until the disk has it.

        :param line: without a newline
        :raises OSError: if it cannot be written whole, as when the disk is full
        """
        data = f"{line}\n".encode("ascii")
        written = os.write(self._descriptor, data)
        if written < len(data):
            os.write(self._descriptor, data[written:])  # tells why, where the rest does not fit
        os.fsync(self._descriptor)

    def read(self) -> bytes:
        """Return all that is in the file."""
        parts = []
        offset = 0
        while part := os.pread(self._descriptor, 1 << 20, offset):
            parts.append(part)
            offset += len(part)
        return b"".join(parts)


@contextlib.contextmanager
def open_durable(path: Path) -> Iterator[DurableLines]:
    """
    Open a file to append to, made with its folders if it is not there, for this process alone.

    A last line that was never finished, because its writer was killed, is closed, so that it stays
    a line of its own.

    :raises BusyError: if another process has it open
    :raises OSError: if it cannot be made or opened
    """
    _make_folder(path.parent)
    new = not path.exists()
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BusyError(str(path)) from None
        if new:
            _sync_folder(path.parent)
        size = os.fstat(descriptor).st_size
        if size and os.pread(descriptor, 1, size - 1) != b"\n":
            os.write(descriptor, b"\n")
        yield DurableLines(descriptor)
    finally:
        os.close(descriptor)


def _make_folder(folder: Path) -> None:
    """Make a folder, for its user alone, and each of its parents that is not there."""
    missing = [parent for parent in (folder, *folder.parents) if not parent.exists()]
    for parent in reversed(missing):
        parent.mkdir(mode=0o700, exist_ok=True)
        _sync_folder(parent.parent)


def _sync_folder(folder: Path) -> None:
    """Wait until the disk has what was made in a folder."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
