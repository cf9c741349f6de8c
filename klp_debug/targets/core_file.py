# SPDX-License-Identifier: GPL-2.0-or-later
"""A dump's file: what is asked of it, whatever its format."""

import enum
from pathlib import Path
from typing import Protocol

from drgn import Program

from klp_debug.errors import TargetError
from klp_debug.targets.notes import ByteOrder
from klp_debug.targets.vmcoreinfo import Vmcoreinfo

MAX_NOTES = 1 << 26
"""Bytes of notes that are read; QEMU writes less than 4 KiB for each CPU, and there are at most
8192."""


class CoreKind(enum.Enum):
    """How a core is opened; the value is what users are told it is."""

    ELF = "ELF vmcore"
    QEMU_ELF = "QEMU memory dump (ELF)"
    KDUMP = "kdump vmcore"
    QEMU_KDUMP = "QEMU memory dump (kdump)"

    @property
    def by_qemu(self) -> bool:
        """Whether QEMU wrote it: drgn can open it by no means."""
        return self in (CoreKind.QEMU_ELF, CoreKind.QEMU_KDUMP)


class CoreFile(Protocol):
    """The file of a dump of a ppc64le kernel, opened once: its headers are read and checked."""

    @property
    def path(self) -> Path:
        """Where it is."""

    @property
    def kind(self) -> CoreKind:
        """How it is opened."""

    @property
    def by_drgn(self) -> bool:
        """Whether drgn can open it."""

    @property
    def not_whole(self) -> tuple[str, ...]:
        """
        What it lacks that it should have, and what is damaged; nothing if it is whole.

        Each as what the dump "is": ``cut short: 93% of the pages are here``.
        """

    @property
    def ram(self) -> list[range]:
        """The physical memory that it is of; it may leave out pages in between."""

    @property
    def vmcoreinfo(self) -> Vmcoreinfo | None:
        """
        The kernel's vmcoreinfo; None if the file has none besides what is in the memory.

        :raises TargetError: if it is damaged
        """

    def notes(self) -> tuple[bytes, ByteOrder]:
        """
        Return its ELF notes, one behind the other, and their byte order.

        :raises OSError: if the file cannot be read any more
        :raises TargetError: if they are cut short
        """

    def add_memory(self, prog: Program) -> None:
        """Let a program read the physical memory, without drgn's own reader."""

    def correct_memory(self, prog: Program) -> None:
        """
        Let a program that drgn opened from it read what drgn cannot, and fail where a page is lost.

        drgn would say zeros of some pages that the file does not hold, and die of others.
        """


def other_architecture(path: Path, name: str) -> TargetError:
    """Return what is said of a core that is not of ppc64le."""
    return TargetError(
        f"{path} is a core of another architecture ({name}); klp-debug reads ppc64le"
    )
