# SPDX-License-Identifier: GPL-2.0-or-later
"""
Files of debugging information that were split off others: which belongs to which.

``objcopy --only-keep-debug`` leaves all headers but takes the bytes away, so that such a file has
functions and no instructions: nothing could be said of their sites. Distributions name them
``vmlinux.debug`` and ``X.ko.debug``, or as the file itself below /usr/lib/debug.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from klp_debug.elf.elf_file import ElfFile
from klp_debug.elf.object_file import ObjectFile
from klp_debug.errors import DebugFileError, TargetError
from klp_debug.scan.files import object_name

_SUFFIX = ".debug"
_PAIR = 2
"""A build has many objects of one name in its folders, which need not be opened twice."""


@dataclass(frozen=True, slots=True)
class _Look:
    path: Path
    is_debug_file: bool
    build_id: bytes | None


class DebugFiles:
    """Among some files, those that were split off others of them."""

    def __init__(self, paths: Iterable[Path]) -> None:
        """Look at those that are of one object, by their names; others are not opened."""
        self._split_off: dict[Path, Path] = {}
        of_object: dict[str, list[Path]] = {}
        for path in paths:
            of_object.setdefault(object_name(path), []).append(path)
        for group in of_object.values():
            if len(group) == _PAIR or (len(group) > 1 and any(map(_is_named_so, group))):
                self._pair([look for path in group if (look := _look(path)) is not None])

    def _pair(self, group: list[_Look]) -> None:
        whole = [one for one in group if not one.is_debug_file]
        for debug in group:
            if not debug.is_debug_file:
                continue
            for one in whole:
                is_known = debug.build_id is not None and one.build_id is not None
                if debug.build_id == one.build_id if is_known else len(whole) == 1:
                    self._split_off.setdefault(one.path, debug.path)

    @property
    def used(self) -> frozenset[Path]:
        """Those that were split off another of the files."""
        return frozenset(self._split_off.values())

    def open(self, path: Path, content: bytes | None = None) -> ObjectFile:
        """
        Open a file, with what was split off it.

        :param content: its bytes, unpacked, if they were read already
        :raises TargetError: if it cannot be used
        :raises DebugFileError: if it is one that was split off
        """
        split_off = self._split_off.get(path)
        debug_file = None if split_off is None else ObjectFile(split_off)
        obj = ObjectFile(path, content, debug_file)
        if obj.is_debug_file:
            raise DebugFileError(_refusal(obj))
        return obj


def _is_named_so(path: Path) -> bool:
    return path.suffix == _SUFFIX or "debug" in path.parts


def _look(path: Path) -> _Look | None:
    try:
        file = ElfFile(path)
        return _Look(path, file.is_debug_file, file.build_id)
    except TargetError:  # said when the file itself is opened
        return None


def _refusal(obj: ObjectFile) -> str:
    name = obj.path.name.removesuffix(_SUFFIX)
    of_which = name if name != obj.path.name else f"the {name} itself"
    build = "" if obj.build_id is None else f", of build ID {obj.build_id.hex()}"
    return (
        f"{obj.path} holds debugging information alone and no instructions:"
        f" give {of_which} too, which it was split off{build}"
    )
