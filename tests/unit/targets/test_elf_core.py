# SPDX-License-Identifier: GPL-2.0-or-later
"""ELF cores that lack memory: what was cut off or left out is absent, and never zero."""

import struct
import time
from pathlib import Path

import hypothesis
import hypothesis.strategies as st
import pytest
from drgn import FaultError, Program

from klp_debug.errors import TargetError
from klp_debug.targets.attaching import PPC64LE
from klp_debug.targets.core_file import CoreKind
from klp_debug.targets.helping import without_help
from klp_debug.targets.notes import prstatus_notes
from klp_debug.targets.open_core_file import open_core_file
from tests.support.made_core import Load, elf, note, prstatus_note

PAGE = 65536
LINEAR = 0xC << 60
NOTES = note(
    b"VMCOREINFO",
    b"OSRELEASE=6.12.0\nPAGESIZE=65536\nSYMBOL(swapper_pg_dir)=c000000001000000\n"
    b"SYMBOL(_stext)=c000000000000000\nNUMBER(RADIX_MMU)=1\n",
)


def load(letter: bytes, frame: int, pages: int, size: int = 0) -> Load:
    """Return some pages of one letter; they are the first of so many."""
    physical = frame * PAGE
    return Load(letter * pages * PAGE, physical, LINEAR + physical, size * PAGE)


# As makedumpfile -E writes them: a gap behind the bytes, and a segment that is all gap.
LOADS = (load(b"a", 0, 1, size=3), load(b"b", 3, 2), load(b"", 5, 0, size=2), load(b"c", 8, 1))


def opened_by_drgn(path: Path) -> Program:
    """Return the program that drgn makes of a core, with nothing of ours."""
    prog = Program()
    with without_help():
        prog.set_core_dump(path)
    return prog


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "vmcore"


class TestExcluded:
    @pytest.fixture
    def prog(self, path: Path) -> Program:
        path.write_bytes(elf(notes=NOTES, loads=LOADS))
        prog = opened_by_drgn(path)
        # What drgn by itself says: the reason for this.
        assert prog.read(PAGE, 4, True) == prog.read(LINEAR + 5 * PAGE, 4) == bytes(4)
        core = open_core_file(path)
        assert core.not_whole == ()  # they were left out on purpose
        core.correct_memory(prog)
        return prog

    @pytest.mark.parametrize("frame", [1, 2, 5, 6])
    def test_absent_by_either_address(self, prog: Program, frame: int) -> None:
        for address, physical in ((frame * PAGE, True), (LINEAR + frame * PAGE, False)):
            for start in (address, address + PAGE - 1):
                with pytest.raises(FaultError, match="excluded from the dump") as caught:
                    prog.read(start, 1, physical)
                assert caught.value.address == start

    def test_a_read_that_reaches_into_one(self, prog: Program) -> None:
        with pytest.raises(FaultError, match="excluded from the dump"):
            prog.read(PAGE - 1, 2, True)

    @pytest.mark.parametrize(("frame", "letter"), [(0, b"a"), (3, b"b"), (4, b"b"), (8, b"c")])
    def test_the_rest_is_as_before(self, prog: Program, frame: int, letter: bytes) -> None:
        assert prog.read(frame * PAGE, PAGE, True) == letter * PAGE
        assert prog.read(LINEAR + frame * PAGE, PAGE) == letter * PAGE


def test_a_gap_that_another_segment_fills(path: Path) -> None:
    path.write_bytes(elf(notes=NOTES, loads=[load(b"a", 0, 1, size=9), load(b"b", 4, 1)]))
    prog = opened_by_drgn(path)
    open_core_file(path).correct_memory(prog)
    for frame in (1, 3, 5, 8):
        with pytest.raises(FaultError, match="excluded"):
            prog.read(frame * PAGE, 1, True)


@hypothesis.given(keep=st.integers(len(b"\x7fELF"), len(elf(notes=NOTES, loads=LOADS)) - 1))
def test_cut_anywhere_a_byte_is_right_or_an_error(
    tmp_path_factory: pytest.TempPathFactory, keep: int
) -> None:
    whole = elf(notes=NOTES, loads=LOADS)
    first = len(whole) - 4 * PAGE
    path = tmp_path_factory.mktemp("cut") / "vmcore"
    path.write_bytes(whole[:keep])
    if keep <= first:
        with pytest.raises(TargetError) as caught:
            open_core_file(path)
        assert "truncated" in str(caught.value)
        return
    core = open_core_file(path)
    percent = 100 * (keep - first) // (4 * PAGE)
    share = f"{percent}%" if percent else "less than 1%"
    assert core.not_whole == (f"cut short: {share} of its memory is here",)
    prog = opened_by_drgn(path)
    core.correct_memory(prog)
    place = first
    for letter, frame in ((b"a", 0), (b"b", 3), (b"b", 4), (b"c", 8)):
        for start in (0, PAGE // 2, PAGE - 1):
            for address, physical in ((frame * PAGE, True), (LINEAR + frame * PAGE, False)):
                if place + start < keep:
                    assert prog.read(address + start, 1, physical) == letter
                else:
                    with pytest.raises(FaultError, match="cut off the file"):
                        prog.read(address + start, 1, physical)
        place += PAGE


def test_a_cut_dump_of_qemu(path: Path) -> None:
    whole = elf(little=False, loads=[Load(b"a" * PAGE), Load(b"b" * PAGE, PAGE)])
    path.write_bytes(whole[: -PAGE // 2])
    core = open_core_file(path)
    assert (core.kind, core.not_whole) == (
        CoreKind.QEMU_ELF,
        ("cut short: 75% of its memory is here",),
    )
    prog = Program(PPC64LE)
    core.add_memory(prog)
    assert prog.read(PAGE, 1, True) == b"b"
    with pytest.raises(FaultError, match="cut off the file"):
        prog.read(2 * PAGE - 1, 1, True)


def test_notes_that_are_cut(path: Path) -> None:
    path.write_bytes(elf(notes=NOTES)[: 64 + 2 * 56 + 40])
    with pytest.raises(TargetError, match="truncated: it ends at 216 bytes, in its notes"):
        open_core_file(path)


@pytest.mark.parametrize(
    ("flags", "lost", "says"),
    [
        (0, 0, ()),
        (2, 0, ()),  # the ABI
        (3, PAGE, ("marked incomplete by makedumpfile: 75% of its memory is here",)),
        (1, 0, ("marked incomplete by makedumpfile, though all that it lists is here",)),
    ],
)
def test_marked_incomplete(path: Path, flags: int, lost: int, says: tuple[str, ...]) -> None:
    whole = elf(notes=NOTES, loads=LOADS, flags=flags)
    path.write_bytes(whole[: len(whole) - lost])
    assert open_core_file(path).not_whole == says


@pytest.mark.parametrize("count", [65533, 70000])
def test_more_segments_than_the_header_can_count(path: Path, count: int) -> None:
    """As ``makedumpfile -E`` and QEMU write them of large machines; each has a gap behind it."""
    loads = [load(b"", frame, 0, size=1) for frame in range(count - 1)]
    path.write_bytes(elf(notes=NOTES, loads=[*loads, load(b"z", count - 1, 1)]))
    start = time.process_time()
    core = open_core_file(path)
    assert core.not_whole == ()
    assert core.ram == [range((count - 1) * PAGE, count * PAGE)]
    by_drgn, by_us = opened_by_drgn(path), Program(PPC64LE)
    core.correct_memory(by_drgn)
    core.add_memory(by_us)
    for prog in (by_drgn, by_us):
        assert prog.read((count - 1) * PAGE, PAGE, True) == b"z" * PAGE
        with pytest.raises(FaultError, match="excluded from the dump"):
            prog.read((count - 2) * PAGE, 1, True)
    # It was two minutes: the segments were compared with each other.
    assert time.process_time() - start < 20


@pytest.mark.parametrize(("at", "refused"), [(0, "without memory"), (1 << 40, "damaged")])
def test_the_section_that_counts_segments_is_not_there(path: Path, at: int, refused: str) -> None:
    loads = [load(b"", frame, 0, size=1) for frame in range(65534)]
    content = bytearray(elf(notes=NOTES, loads=loads))
    struct.pack_into("<Q", content, 40, at)  # e_shoff
    path.write_bytes(content)
    with pytest.raises(TargetError, match=refused):
        open_core_file(path)


@pytest.mark.parametrize("flags", [0, 2])
def test_the_abi_may_be_told_or_not(path: Path, flags: int) -> None:
    """The kernel's own /proc/vmcore says 0 or 2, by how it was compiled."""
    path.write_bytes(elf(notes=NOTES, loads=LOADS, flags=flags))
    core = open_core_file(path)
    assert (core.kind, core.not_whole) == (CoreKind.ELF, ())
    assert opened_by_drgn(path).read(0, 4, True) == b"aaaa"


@pytest.mark.parametrize("crashed", [[], [0], [0, 1]])
def test_notes_of_some_cpus_only(path: Path, crashed: list[int]) -> None:
    """A capture of fadump has those of the CPUs that firmware found running: one may be all."""
    notes = b"".join(prstatus_note([cpu] * 48) for cpu in crashed)
    path.write_bytes(elf(notes=notes + NOTES, loads=LOADS))
    core = open_core_file(path)
    assert core.vmcoreinfo is not None
    said = [prstatus.nip for prstatus in prstatus_notes(*core.notes())]
    assert said == crashed
    assert opened_by_drgn(path).read(0, 4, True) == b"aaaa"
