# SPDX-License-Identifier: GPL-2.0-or-later
"""A file that is written as a whole or not at all."""

import contextlib
import os
import secrets
from pathlib import Path
from typing import Self

from klp_debug.errors import CommandError


class WholeFile:
    """
    A text file that takes its place when all of it is on the disk; before, what was there stays.

    It is begun, beside its place, when the block is entered: a user learns at once that it cannot
    be written, not when a long analysis is done.
    """

    def __init__(self, path: Path) -> None:
        """Name the file; through a symbolic link, what that points to."""
        self.path = path

    def __enter__(self) -> Self:
        """
        Begin the file.

        :raises CommandError: if that cannot be done, or if there is something that is no file
        """
        try:
            self._place = Path(os.path.realpath(self.path))
            if self._place.exists() and not self._place.is_file():
                raise self._error("it is no regular file")
            self._unfinished = self._place.with_name(f".{secrets.token_hex(8)}.klp-debug")
            # Not by tempfile: the file is to have the mode that the user's umask asks for.
            self._file = self._unfinished.open("x", encoding="utf-8", newline="\n")
        except OSError as error:
            raise self._error(error.strerror) from None
        return self

    def write(self, text: str) -> None:
        """
        Write all of it, and put it into its place.

        :raises CommandError: if there is no space, or another error; then nothing is changed
        """
        try:
            self._file.write(text)
            self._file.flush()
            os.fsync(self._file.fileno())
            self._unfinished.replace(self._place)
        except OSError as error:
            raise self._error(error.strerror) from None

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):  # of a write that has failed already
            self._file.close()
        self._unfinished.unlink(missing_ok=True)

    def _error(self, reason: str | None) -> CommandError:
        return CommandError(f"{self.path} cannot be written: {reason}")
