# SPDX-License-Identifier: GPL-2.0-or-later
"""Which files a user means: those named, and the objects in the folders named."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from klp_debug.errors import TargetError

_OBJECT = re.compile(r".+\.(o|ko)|.+\.ko\.(xz|zst|gz|debug)")
_KERNEL = re.compile(r"vmlinux(-.*|\.debug)?")


@dataclass(frozen=True, slots=True)
class Candidate:
    """One file."""

    path: Path
    named: bool
    """Whether the user named it himself, rather than a folder it is in."""


def candidates(paths: Iterable[Path]) -> Iterator[Candidate]:
    """
    Yield the named files, and the .o, .ko and vmlinux files in the named folders, by name.

    :raises TargetError: if a path does not exist, or a folder holds no such file
    """
    for path in paths:
        if not path.is_dir():
            yield Candidate(path, named=True)
            continue
        empty = True
        for child in sorted(path.rglob("*")):
            if _is_object(child) and child.is_file():
                empty = False
                yield Candidate(child, named=False)
        if empty:
            raise TargetError(f"{path} holds no .o, .ko or vmlinux file")


def _is_object(path: Path) -> bool:
    return bool(_OBJECT.fullmatch(path.name) or _KERNEL.fullmatch(path.name))


def object_name(path: Path) -> str:
    """Return what livepatch calls the object that a file is of: ``vmlinux``, or a module."""
    stem = path.name.partition(".")[0]
    return "vmlinux" if _KERNEL.fullmatch(path.name) else stem.replace("-", "_")
