# SPDX-License-Identifier: GPL-2.0-or-later
"""Kdump files, read without libkdumpfile: their pages, notes and vmcoreinfo."""

import contextlib
import signal
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import hypothesis
import hypothesis.strategies as st
import pytest
from drgn import Architecture, FaultError, Platform, PlatformFlags, Program

from klp_debug.errors import TargetError
from klp_debug.targets.core_bytes import CoreBytes
from klp_debug.targets.core_file import CoreKind
from klp_debug.targets.disk_dump import DiskDump
from klp_debug.targets.open_core_file import open_core_file
from tests.support.made_core import flattened, kdump, note

PAGE = 4096
BLOCK_OF_FRAMES = 4096 * 8
PRESENT = (0, 1, 7, 8, 9, 4000, BLOCK_OF_FRAMES - 1, BLOCK_OF_FRAMES, 2 * BLOCK_OF_FRAMES + 5)
PAGES = {frame: bytes([frame % 251]) * PAGE for frame in PRESENT}
FRAMES = 3 * BLOCK_OF_FRAMES
DUMP = kdump(PAGES, frames=FRAMES, vmcoreinfo=b"OSRELEASE=6.1\nPAGESIZE=4096\n", notes=b"notes")


def plain(dump: bytes) -> bytes:
    return dump


@pytest.fixture(params=[plain, flattened])
def dump(request: pytest.FixtureRequest, tmp_path: Path) -> DiskDump:
    made: Callable[[bytes], bytes] = request.param
    path = tmp_path / "vmcore"
    path.write_bytes(made(DUMP))
    return DiskDump(CoreBytes(path))


def test_every_page_is_found_by_its_rank(dump: DiskDump) -> None:
    for frame, page in PAGES.items():
        assert dump.read(frame * PAGE, PAGE) == page


def test_a_read_over_a_page_boundary(dump: DiskDump) -> None:
    start = (BLOCK_OF_FRAMES - 1) * PAGE + 4000
    one, other = PAGES[BLOCK_OF_FRAMES - 1], PAGES[BLOCK_OF_FRAMES]
    assert dump.read(start, 200) == one[:96] + other[:104]


@pytest.mark.parametrize("frame", [2, 6, 10, BLOCK_OF_FRAMES + 1, FRAMES - 1, FRAMES, 1 << 40])
def test_a_page_that_is_not_there_is_absent_not_zero(dump: DiskDump, frame: int) -> None:
    with pytest.raises(FaultError, match="does not hold this page") as caught:
        dump.read(frame * PAGE, 8)
    assert caught.value.address == frame * PAGE


def test_what_is_beside_the_pages(dump: DiskDump) -> None:
    assert dump.kind is CoreKind.KDUMP
    assert dump.ram == [range(FRAMES * PAGE)]
    assert dump.notes() == (b"notes", "<")
    assert dump.vmcoreinfo is not None
    assert dump.vmcoreinfo.release == "6.1"


def test_qemus_is_big_endian_and_without_vmcoreinfo(tmp_path: Path) -> None:
    path = tmp_path / "vmcore"
    made = kdump({5: b"five" * 1024, 6: b"six." * 1024}, machine=b"Unknown", order=">")
    path.write_bytes(made)
    dump = open_core_file(path)
    assert (dump.kind, dump.vmcoreinfo) == (CoreKind.QEMU_KDUMP, None)
    prog = Program(Platform(Architecture.PPC64, PlatformFlags.IS_64_BIT))
    dump.add_memory(prog)
    assert prog.read(6 * PAGE, 4, True) == b"six."


def test_a_machine_without_a_page_in_the_dump(tmp_path: Path) -> None:
    path = tmp_path / "vmcore"
    path.write_bytes(kdump({}))
    with pytest.raises(FaultError):
        DiskDump(CoreBytes(path)).read(0, 1)


FIRST_DATA = len(DUMP) - sum(
    len(zlib.compress(page) if frame % 2 else page) for frame, page in PAGES.items()
)


@pytest.mark.parametrize("made", [plain, flattened])
@pytest.mark.parametrize("keep", [430, PAGE + 10, 5 * PAGE, FIRST_DATA])
def test_cut_before_its_first_page(
    tmp_path: Path, made: Callable[[bytes], bytes], keep: int
) -> None:
    path = tmp_path / "vmcore"
    path.write_bytes(made(DUMP[:keep]))
    with pytest.raises(TargetError, match="is truncated: "):
        open_core_file(path)


class Cut:
    """The made dump cut at some byte, and what is left of it by what the test wrote."""

    def __init__(self, path: Path, keep: int) -> None:
        path.write_bytes(DUMP[:keep])
        end = FIRST_DATA
        self.left = []
        for frame, page in sorted(PAGES.items()):
            end += len(zlib.compress(page) if frame % 2 else page)
            if end <= keep:
                self.left.append(frame)
        self.path = path


@hypothesis.given(keep=st.integers(0, len(DUMP) - 1))
def test_cut_anywhere_a_page_is_right_or_an_error(
    tmp_path_factory: pytest.TempPathFactory, keep: int
) -> None:
    cut = Cut(tmp_path_factory.mktemp("cut") / "vmcore", keep)
    try:
        dump = open_core_file(cut.path)
    except TargetError as error:
        assert not cut.left
        assert "\n" not in str(error)  # noqa: PT017
        return
    assert isinstance(dump, DiskDump)
    for frame, page in PAGES.items():
        if frame in cut.left:
            assert dump.read(frame * PAGE, PAGE) == page
        else:
            with pytest.raises(FaultError, match="this page was cut off the file") as caught:
                dump.read(frame * PAGE, 8)
            assert caught.value.address == frame * PAGE
    percent = 100 * len(cut.left) // len(PAGES)
    assert dump.not_whole == (f"cut short: {percent}% of the pages are here",)


@hypothesis.given(keep=st.integers(0, len(flattened(DUMP)) - 1))
def test_flattened_and_cut_anywhere(tmp_path_factory: pytest.TempPathFactory, keep: int) -> None:
    path = tmp_path_factory.mktemp("cut") / "vmcore"
    path.write_bytes(flattened(DUMP)[:keep])
    try:
        dump = open_core_file(path)
    except TargetError as error:
        assert "\n" not in str(error)  # noqa: PT017
        return
    right = 0
    assert isinstance(dump, DiskDump)
    for frame, page in PAGES.items():
        with contextlib.suppress(FaultError):
            assert dump.read(frame * PAGE, PAGE) == page
            right += 1
    (lack,) = dump.not_whole
    assert not dump.by_drgn
    if right == len(PAGES):
        assert lack == "cut short: its end mark is missing, though all pages that it lists are here"
    else:
        assert lack == f"cut short: {100 * right // len(PAGES)}% of the pages are here"


def test_cut_before_a_page_that_is_not_the_last_one_listed(tmp_path: Path) -> None:
    """Pages of zeros share their data, which lies before all other."""
    path = tmp_path / "vmcore"
    made = bytearray(kdump({2: bytes(PAGE), 4: b"page" * 1024, 6: bytes(PAGE)}))
    table = 2 * PAGE + 2 * 4096
    made[table + 48 : table + 72] = made[table : table + 24]
    path.write_bytes(made[: -PAGE - 100])
    dump = DiskDump(CoreBytes(path))
    assert dump.not_whole == ("cut short: 66% of the pages are here",)
    assert dump.read(6 * PAGE, PAGE) == bytes(PAGE)
    with pytest.raises(FaultError, match="cut off"):
        dump.read(4 * PAGE, 1)


def test_marked_incomplete(tmp_path: Path) -> None:
    """What makedumpfile leaves of a dump for which the disk was too small."""
    path = tmp_path / "vmcore"
    made = bytearray(kdump(dict.fromkeys((2, 4, 6), b"page" * 1024), status=0x1 | 0x8))
    table = 2 * PAGE + 2 * 4096
    made[table + 24 : table + 72] = bytes(48)
    path.write_bytes(made)
    dump = DiskDump(CoreBytes(path))
    assert dump.not_whole == ("marked incomplete by makedumpfile: 33% of the pages are here",)
    assert dump.read(2 * PAGE, 4) == b"page"
    with pytest.raises(FaultError, match="could not write this page"):
        dump.read(6 * PAGE, 4)


def test_marked_incomplete_though_no_page_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "vmcore"
    path.write_bytes(kdump(PAGES, frames=FRAMES, status=0x8))
    assert DiskDump(CoreBytes(path)).not_whole == (
        "marked incomplete by makedumpfile, though all that it lists is here",
    )


def test_a_whole_one_lacks_nothing(dump: DiskDump) -> None:
    assert dump.not_whole == ()


@pytest.mark.parametrize("frames", [range(2, 1), range(1 << 40), range(1 << 40, 1 << 41)])
def test_a_part_that_makes_no_sense(tmp_path: Path, frames: range) -> None:
    path = tmp_path / "vmcore"
    path.write_bytes(kdump({2: bytes(PAGE)}, part=frames))
    with pytest.raises(TargetError, match="it claims the page frames"):
        open_core_file(path)


LARGE = 65536
READ_A_CUT_ONE = """
import sys
from pathlib import Path
from drgn import FaultError, Program
from klp_debug.targets.helping import without_help
from klp_debug.targets.open_core_file import open_core_file

prog = Program()
with without_help():
    prog.set_core_dump(sys.argv[1])
if sys.argv[2] == "corrected":
    open_core_file(Path(sys.argv[1])).correct_memory(prog)
for address in (0x10000, 0x20000, 0x2000000):
    try:
        print(prog.read(address, 8, True).decode())
    except FaultError as fault:
        print(fault.args[0])
"""


class TestWhereLibkdumpfileReads:
    """In a process of its own: what libkdumpfile does with a file that was cut kills it."""

    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        pages = {1: b"first..." * 8192, 2: b"second.." * 8192, 4: b"third..." * 8192}
        vmcoreinfo = b"OSRELEASE=6.1.0\nPAGESIZE=65536\nSYMBOL(swapper_pg_dir)=c000000001000000\n"
        made = kdump(
            pages,
            page_size=LARGE,
            frames=LARGE * 8,
            vmcoreinfo=vmcoreinfo,
            notes=note(b"VMCOREINFO", vmcoreinfo),
        )
        path = tmp_path / "vmcore"
        path.write_bytes(made[: -2 * LARGE])
        return path

    def read(self, path: Path, how: str) -> tuple[int, list[str]]:
        ran = subprocess.run(
            [sys.executable, "-c", READ_A_CUT_ONE, path, how],
            capture_output=True,
            text=True,
            check=False,
        )
        return ran.returncode, ran.stdout.splitlines()

    def test_drgn_alone_dies(self, path: Path) -> None:
        """The reason for all this: when it dies no more, libkdumpfile can be let read again."""
        status, _ = self.read(path, "as drgn does")
        assert status == -signal.SIGBUS

    def test_we_do_not(self, path: Path) -> None:
        assert self.read(path, "corrected") == (
            0,
            ["first...", "this page was cut off the file", "the dump does not hold this page"],
        )


def test_a_flattened_file_of_no_record(tmp_path: Path) -> None:
    path = tmp_path / "vmcore"
    path.write_bytes(flattened(DUMP)[:4096] + struct.pack(">qq", -1, -1))
    with pytest.raises(TargetError, match="is a damaged or truncated kdump file"):
        open_core_file(path)
