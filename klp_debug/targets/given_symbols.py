# SPDX-License-Identifier: GPL-2.0-or-later
"""
The files with symbols that users name, and those in the folders that they name.

A distribution's kernel has thousands of modules, of which a few are loaded: files of a folder are
known by their names, and looked at when they are asked for.
"""

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from klp_debug.errors import TargetError
from klp_debug.targets.symbol_file import SymbolFile, read_symbol_file

_MODULE = re.compile(r"(?P<name>.+?)\.ko(?P<packed>\.gz|\.xz|\.zst)?(?P<debug>\.debug)?")
"""As ``CONFIG_MODULE_COMPRESS_*`` and the makers of debugging packages name them."""


class GivenSymbols:
    """
    vmlinux and module files, by what they are of.

    >>> given = GivenSymbols([Path("/usr/lib/debug")])
    >>> [file.path.name for file in given.kernels("6.12.1")]
    ['vmlinux-6.12.1', 'vmlinux-6.12.0']
    >>> [path.name for path in given.modules("nf_tables", "6.12.1")]
    ['nf-tables.ko.debug', 'nf-tables.ko.xz']
    """

    def __init__(self, paths: Iterable[Path] = (), known: Iterable[SymbolFile] = ()) -> None:
        """
        Look at the files, and at the names in the folders.

        :param known: files that were looked at already
        :raises TargetError: if a path does not exist, cannot be read, or a named file is no
            ppc64le kernel or module
        """
        self.folders: list[Path] = []
        """Those among the paths."""
        self._kernels: list[SymbolFile] = []
        self._modules: dict[str, list[Path]] = {}
        self._kernels_in_folders: list[Path] = []
        self._modules_in_folders: dict[str, list[Path]] = {}
        for file in known:
            self._add(file)
        for path in paths:
            if path.is_dir():
                self.folders.append(path)
                self._add_folder(path)
            else:
                self._add(read_symbol_file(path))

    def _add(self, file: SymbolFile) -> None:
        if file.is_module:
            found = _MODULE.fullmatch(file.path.name)
            name = found["name"] if found else file.path.stem
            self._modules.setdefault(_loaded_name(name), []).append(file.path)
        else:
            self._kernels.append(file)

    def _add_folder(self, folder: Path) -> None:
        for within, _, names in os.walk(folder):
            for name in names:
                if name.startswith("vmlinux"):
                    self._kernels_in_folders.append(Path(within, name))
                elif found := _MODULE.fullmatch(name):
                    of_name = self._modules_in_folders.setdefault(_loaded_name(found["name"]), [])
                    of_name.append(Path(within, name))

    def kernels(self, release: str = "") -> Iterator[SymbolFile]:
        """
        Yield each vmlinux; what has the name of one in a folder and is none is passed over.

        :param release: those come first in a folder that have it in their path
        """
        yield from self._kernels
        for path in sorted(self._kernels_in_folders, key=lambda path: _order(path, release)):
            if path.is_file():
                try:
                    file = read_symbol_file(path)
                except TargetError:
                    continue
                if not file.is_module:  # vmlinux.o
                    yield file

    def modules(self, name: str, release: str = "") -> list[Path]:
        """
        Return the files that have the name of a module; those of folders were not looked at.

        Named files come first, then those of the release, and debug files before what they are
        split off from, which has no debugging information any more.

        :param name: the kernel's, which has _ where a file may have -
        """
        in_folders = self._modules_in_folders.get(name, [])
        return self._modules.get(name, []) + sorted(
            in_folders, key=lambda path: _order(path, release)
        )


def _loaded_name(name: str) -> str:
    return name.replace("-", "_")


def _order(path: Path, release: str) -> tuple[bool, bool, bool, Path]:
    """Return a key: first those of a release, then debug files, and packed ones last."""
    found = _MODULE.fullmatch(path.name)
    packed = bool(found and found["packed"])
    return release not in str(path), path.suffix != ".debug", packed, path
