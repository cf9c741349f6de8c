# SPDX-License-Identifier: GPL-2.0-or-later
"""
Gives drgn the debugging information of a module, packed or not: drgn reads plain files only.

A module is unpacked into a file without a name, which is gone when the process is, however it ends.
"""

import io
import os
import tempfile
from pathlib import Path

from drgn import Module
from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile

from klp_debug.elf.packed_file import MOST_BYTES, is_packed, read_elf_bytes
from klp_debug.errors import TargetError


class NoRoomError(TargetError):
    """So much was unpacked that no more is."""


class ModuleFiles:
    """Tries files for modules, and unpacks no more bytes than it may."""

    def __init__(self, most: int = MOST_BYTES) -> None:
        """:param most: bytes that may be unpacked in all"""
        self._most = most
        self._unpacked = 0

    def try_file(self, module: Module, path: Path) -> None:
        """
        Let a module take a file, if it is of its build.

        :raises NoRoomError: if it is packed, and too much was unpacked already
        :raises TargetError: if it cannot be read, or is packed and damaged
        """
        try:
            if not is_packed(path):
                module.try_file(path)
                return
            data = read_elf_bytes(path)
            # Most are packed after they were stripped: those are of no use.
            if _has_dwarf(data):
                # drgn closes it.
                module.try_file(path, fd=self._unnamed(path, data))
        except OSError as error:
            raise TargetError(f"{path}: {error.strerror}") from None

    def _unnamed(self, path: Path, data: bytes) -> int:
        """Return the descriptor of a new file without a name."""
        if self._unpacked + len(data) > self._most:
            raise NoRoomError(f"{path} is not unpacked: modules of {self._most >> 20} MiB are")
        self._unpacked += len(data)
        with tempfile.TemporaryFile() as file:
            file.write(data)
            file.flush()
            return os.dup(file.fileno())


def _has_dwarf(data: bytes) -> bool:
    try:
        return ELFFile(io.BytesIO(data)).get_section_by_name(".debug_info") is not None
    except (ELFError, ValueError, KeyError):
        return False
