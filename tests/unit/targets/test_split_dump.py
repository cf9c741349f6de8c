# SPDX-License-Identifier: GPL-2.0-or-later
"""The parts of a split dump: together they are the dump, alone each says what it is."""

from collections.abc import Sequence
from pathlib import Path
from random import Random

import hypothesis
import hypothesis.strategies as st
import pytest
from drgn import FaultError, Program

from klp_debug.errors import TargetError
from klp_debug.targets.attaching import PPC64LE
from klp_debug.targets.core_file import CoreFile, CoreKind
from klp_debug.targets.open_core_file import open_core_file
from klp_debug.targets.split_dump import open_parts
from tests.support.made_core import VMCOREINFO, elf, kdump

PAGE = 4096
FRAMES = 2 * 8 * 4096
PAGES = {
    frame: bytes([frame % 251]) * PAGE for frame in (0, 1, 40, 41, 99, 100, 101, 40000, FRAMES - 1)
}
TEXT = b"OSRELEASE=6.1.0\nPAGESIZE=4096\n"


def write(folder: Path, *cuts: int, text: bytes = TEXT) -> list[Path]:
    """Write the parts of a dump that is split before some page frames."""
    paths = []
    for number, (start, end) in enumerate(zip((0, *cuts), (*cuts, FRAMES), strict=True), 1):
        path = folder / f"vmcore.{number}"
        part = kdump(PAGES, frames=FRAMES, vmcoreinfo=text, part=range(start, end), notes=b"notes")
        path.write_bytes(part)
        paths.append(path)
    return paths


def refusal(paths: Sequence[Path]) -> str:
    with pytest.raises(TargetError) as caught:
        open_parts(paths)
    return str(caught.value)


def memory(core: CoreFile) -> Program:
    """Return a program that has a dump's memory where another reader would say zeros."""
    prog = Program(PPC64LE)
    prog.add_memory_segment(0, 1 << 40, lambda address, count, *_: bytes(count), True)
    core.correct_memory(prog)
    return prog


@hypothesis.given(cuts=st.lists(st.integers(0, FRAMES), max_size=4).map(sorted), order=st.randoms())
def test_together_they_are_the_whole(
    tmp_path_factory: pytest.TempPathFactory, cuts: list[int], order: Random
) -> None:
    paths = write(tmp_path_factory.mktemp("parts"), *cuts)
    order.shuffle(paths)
    core = open_parts(paths)
    assert core.not_whole == ()
    prog = memory(core)
    for frame in range(120):
        if frame in PAGES:
            assert prog.read(frame * PAGE, PAGE, True) == PAGES[frame]
        else:
            with pytest.raises(FaultError, match="does not hold this page"):
                prog.read(frame * PAGE, 1, True)
    assert prog.read((FRAMES - 1) * PAGE, PAGE, True) == PAGES[FRAMES - 1]
    # A read over the end of a part.
    assert prog.read(41 * PAGE - 1, 2, True) == PAGES[40][:1] + PAGES[41][:1]


def test_what_is_beside_the_pages(tmp_path: Path) -> None:
    paths = write(tmp_path, 41)
    core = open_parts(paths)
    assert (core.kind, core.path, core.by_drgn) == (CoreKind.KDUMP, paths[0], True)
    assert core.notes() == (b"notes", "<")
    assert core.vmcoreinfo is not None
    assert core.vmcoreinfo.release == "6.1.0"
    assert core.ram == [range(FRAMES * PAGE)]


@pytest.mark.parametrize(
    ("number", "says"),
    [
        (1, "part 1 of a split dump: page frames 0x0 to 0x27 of 0x10000"),
        (2, "a part from the middle of a split dump: page frames 0x28 to 0x63 of 0x10000"),
        (3, "the last part of a split dump: page frames 0x64 to 0xffff of 0x10000"),
    ],
)
def test_one_alone_says_which_it_is(tmp_path: Path, number: int, says: str) -> None:
    core = open_parts([write(tmp_path, 40, 100)[number - 1]])
    assert core.not_whole == (f"{says}; give all parts: -c PART1 -c PART2",)
    prog = memory(core)
    for frame, page in PAGES.items():
        if frame in ({0, 1}, {40, 41, 99}, {100, 101, 40000, FRAMES - 1})[number - 1]:
            assert prog.read(frame * PAGE, PAGE, True) == page
        else:
            with pytest.raises(FaultError, match="in another part of the split dump"):
                prog.read(frame * PAGE, 1, True)


def test_an_empty_part_alone(tmp_path: Path) -> None:
    """Of a small machine makedumpfile puts all into the first part."""
    first, second = write(tmp_path, FRAMES)
    assert open_core_file(first).not_whole == ()
    (said,) = open_core_file(second).not_whole
    assert said.startswith("an empty part of a split dump of 0x10000 page frames")


def test_a_part_that_was_not_given(tmp_path: Path) -> None:
    paths = write(tmp_path, 40, 100, 50000)
    core = open_parts([paths[0], paths[2]])
    assert core.not_whole == (
        "not all of a split dump: page frames 0x28 to 0x63, 0xc350 to 0xffff of 0x10000 are in"
        " parts that were not given",
    )
    prog = memory(core)
    assert prog.read(100 * PAGE, PAGE, True) == PAGES[100]
    for frame in (40, FRAMES - 1):
        with pytest.raises(FaultError, match="in a part of the split dump that was not given"):
            prog.read(frame * PAGE, 1, True)


def test_a_part_that_was_cut_short(tmp_path: Path) -> None:
    one, other = write(tmp_path, 41)
    whole = other.read_bytes()
    other.write_bytes(whole[: len(whole) - 3])
    core = open_parts([one, other])
    percent = 100 * (len(PAGES) - 1) // len(PAGES)
    assert core.not_whole == (f"cut short: {percent}% of the pages are here (vmcore.2)",)
    with pytest.raises(FaultError, match="cut off"):
        memory(core).read((FRAMES - 1) * PAGE, 1, True)


def test_parts_of_different_dumps(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    one, _ = write(tmp_path, 41)
    _, other = write(tmp_path / "other", 41, text=TEXT + b"CRASHTIME=1\n")
    assert "are parts of different dumps" in refusal([one, other])


def test_a_part_given_twice(tmp_path: Path) -> None:
    one, other = write(tmp_path, 41)
    assert "hold the same page frames" in refusal([one, other, one])


def test_what_is_no_part(tmp_path: Path) -> None:
    one, other = write(tmp_path, 41)
    other.write_bytes(elf(notes=VMCOREINFO))
    assert refusal([one, other]).startswith(f"{other} is no part of a split dump")
    other.write_bytes(kdump(PAGES, frames=FRAMES))
    assert refusal([one, other]).startswith(f"{other} is no part of a split dump")
