# SPDX-License-Identifier: GPL-2.0-or-later
"""Structures as a file's own debugging information has them, with no kernel behind it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from drgn import Architecture, Platform, PlatformFlags, Program

_PPC64LE = Platform(Architecture.PPC64, PlatformFlags.IS_64_BIT | PlatformFlags.IS_LITTLE_ENDIAN)


@dataclass(frozen=True, slots=True)
class StructLayout:
    """One structure."""

    size: int | None
    """In bytes; None if nothing says it."""
    offsets: dict[str, int]
    """Member -> offset in bytes."""


def struct_layouts(path: Path, names: Sequence[str]) -> dict[str, StructLayout] | None:
    """
    Return the layouts of structures by the DWARF of an ELF file.

    :param names: without ``struct``
    :return: None if the file has no debugging information, or not of all of them
    """
    prog = Program(_PPC64LE)
    try:
        prog.extra_module(str(path), create=True).try_file(path, force=True)
        types = [prog.type(f"struct {name}") for name in names]
        return {
            name: StructLayout(
                kind.size,
                {
                    member.name: member.offset
                    for member in kind.members or ()
                    if member.name is not None and member.offset is not None
                },
            )
            for name, kind in zip(names, types, strict=True)
        }
    except Exception:  # drgn has many for damaged DWARF, and None is the answer to all
        return None
