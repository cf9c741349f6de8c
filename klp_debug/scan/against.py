# SPDX-License-Identifier: GPL-2.0-or-later
"""The objects that patches are compared with: vmlinux and modules."""

from collections.abc import Iterable
from pathlib import Path

from klp_debug.errors import TargetError
from klp_debug.scan.census import Census, take_census
from klp_debug.scan.debug_files import DebugFiles
from klp_debug.scan.files import candidates, object_name
from klp_debug.scan.modinfo import modinfo_of


class Against:
    """Finds an object by the name that a klp_object has; each is read once."""

    def __init__(self, paths: Iterable[Path]) -> None:
        """
        Look at the given files; those in given folders are read when they are asked for.

        :raises TargetError: if a file cannot be used
        """
        self._censuses: dict[str, Census | None] = {}
        self._in_folders: dict[str, list[Path]] = {}
        wanted = list(candidates(paths))
        debug_files = DebugFiles(one.path for one in wanted if one.named)
        for candidate in wanted:
            if candidate.path in debug_files.used:
                continue
            if candidate.named:
                census = take_census(debug_files.open(candidate.path))
                self._censuses.setdefault(_name(census), census)
            else:
                self._in_folders.setdefault(object_name(candidate.path), []).append(candidate.path)

    def get(self, name: str) -> Census | None:
        """Return vmlinux or the module of a name; None if it was not given."""
        if name not in self._censuses:
            self._censuses[name] = self._read(name)
        return self._censuses[name]

    def _read(self, name: str) -> Census | None:
        paths = self._in_folders.get(name, [])
        debug_files = DebugFiles(paths)
        for path in paths:
            try:
                return take_census(debug_files.open(path))
            except TargetError:
                continue  # vmlinux.stripped beside vmlinux, or one of another machine
        return None


def _name(census: Census) -> str:
    if census.obj.kind == "executable":
        return "vmlinux"
    return modinfo_of(census.obj).name or object_name(census.obj.path)
