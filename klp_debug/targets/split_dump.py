# SPDX-License-Identifier: GPL-2.0-or-later
"""
The parts of a dump that ``makedumpfile --split`` wrote to several files.

Each part has the headers and bitmaps of the whole dump, and the pages of one range of page frames.
drgn opens one file only, so the pages of all of them are read here.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from drgn import FaultError, Program

from klp_debug.errors import TargetError
from klp_debug.targets.core_file import CoreFile
from klp_debug.targets.disk_dump import DiskDump, Part
from klp_debug.targets.not_whole import lost_memory
from klp_debug.targets.notes import ByteOrder
from klp_debug.targets.open_core_file import open_core_file
from klp_debug.targets.paged_memory import add_pages, add_refusal
from klp_debug.targets.vmcoreinfo import Vmcoreinfo


def open_parts(paths: Sequence[Path]) -> CoreFile:
    """
    Open the file of a dump, or the files of a split one, in any order.

    :param paths: one at least
    :raises TargetError: if one cannot be used, or they do not belong together
    """
    if len(paths) == 1:
        return open_core_file(paths[0])
    return SplitDump([_open_part(path) for path in paths])


def _open_part(path: Path) -> tuple[DiskDump, Part]:
    dump = open_core_file(path)
    if not isinstance(dump, DiskDump) or dump.part is None:
        raise TargetError(f"{path} is no part of a split dump: name one dump, or all parts of one")
    return dump, dump.part


class SplitDump:
    """All parts of a dump; implements :class:`~klp_debug.targets.core_file.CoreFile`."""

    def __init__(self, parts: Sequence[tuple[DiskDump, Part]]) -> None:
        """
        Put them together.

        :raises TargetError: if they are not of one dump
        """
        parts = sorted(parts, key=lambda part: (part[1].frames.start, part[1].frames.stop))
        self._dumps = [dump for dump, _ in parts]
        self._frames = [part.frames for _, part in parts]
        self._first = first = self._dumps[0]
        self._of = parts[0][1].of
        identity = first.identity
        for other in self._dumps[1:]:
            if other.identity != identity:
                raise TargetError(
                    f"{first.path} and {other.path} are parts of different dumps: their headers,"
                    " kernels or bitmaps differ"
                )
        for (one, frames), (other, others) in pairwise(zip(self._dumps, self._frames, strict=True)):
            if frames and others and others.start < frames.stop:
                raise TargetError(
                    f"{one.path} and {other.path} hold the same page frames: give each part once"
                )
        self._starts = [frames.start for frames in self._frames]
        self.path = first.path
        self.kind = first.kind
        self.page_size = first.page_size
        self.ram = first.ram

    @property
    def by_drgn(self) -> bool:
        """Whether drgn can open the first of them; the pages are read here."""
        return self._first.by_drgn

    @property
    def not_whole(self) -> tuple[str, ...]:
        """What is damaged in the parts, what they lack, and which parts are missing."""
        said = [f"{dump.damage} ({dump.path.name})" for dump in self._dumps if dump.damage]
        names = [dump.path.name for dump in self._dumps if dump.lacks]
        if names:
            here = sum(dump.here for dump in self._dumps)
            listed = sum(dump.listed for dump in self._dumps)
            lacks = lost_memory(here, listed, "of the pages are here", marked=False)
            said.append(f"{lacks or 'cut short, though all pages are here'} ({', '.join(names)})")
        gaps = list(self._gaps())
        if gaps:
            which = ", ".join(f"{gap.start:#x} to {gap.stop - 1:#x}" for gap in gaps)
            said.append(
                f"not all of a split dump: page frames {which} of {self._of:#x} are in parts that"
                " were not given"
            )
        return tuple(said)

    def _gaps(self) -> Iterator[range]:
        """Yield the page frames that no part is of."""
        end = 0
        for frames in [*self._frames, range(self._of, self._of)]:
            if end < frames.start:
                yield range(end, frames.start)
            end = max(end, frames.stop)

    @property
    def vmcoreinfo(self) -> Vmcoreinfo | None:
        """
        The kernel's vmcoreinfo, which each part has.

        :raises TargetError: if it is damaged
        """
        return self._first.vmcoreinfo

    def notes(self) -> tuple[bytes, ByteOrder]:
        """
        Return the ELF notes, which each part has, and their byte order.

        :raises OSError: if the file cannot be read any more
        :raises TargetError: if they are cut short
        """
        return self._first.notes()

    def _page(self, frame: int) -> bytes:
        # Of the parts that start where this one does, all but the last are empty.
        index = bisect_right(self._starts, frame) - 1
        if index < 0 or frame not in self._frames[index]:
            raise FaultError(
                "this page is in a part of the split dump that was not given",
                frame * self.page_size,
            )
        return self._dumps[index].page(frame)

    def add_memory(self, prog: Program) -> None:
        """Let a program read the physical memory, without drgn's own reader."""
        add_pages(prog, self._page, self.page_size, self._of)

    def correct_memory(self, prog: Program) -> None:
        """Let a program that drgn opened by the first part read all parts here."""
        add_refusal(prog)
        self.add_memory(prog)
