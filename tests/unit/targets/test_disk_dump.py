# SPDX-License-Identifier: GPL-2.0-or-later
"""Kdump files, read without libkdumpfile: their pages, notes and vmcoreinfo."""

import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from drgn import Architecture, FaultError, Platform, PlatformFlags, Program

from klp_debug.errors import TargetError
from klp_debug.targets.core_bytes import CoreBytes
from klp_debug.targets.core_file import CoreKind
from klp_debug.targets.disk_dump import DiskDump
from klp_debug.targets.open_core_file import open_core_file
from tests.support.made_core import flattened, kdump

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


@pytest.mark.parametrize("made", [plain, flattened])
@pytest.mark.parametrize("keep", [430, PAGE + 10, 5 * PAGE, len(DUMP) - 1])
def test_cut_short(tmp_path: Path, made: Callable[[bytes], bytes], keep: int) -> None:
    path = tmp_path / "vmcore"
    path.write_bytes(made(DUMP[:keep]))
    with pytest.raises(TargetError, match="is truncated: "):
        open_core_file(path)


def test_cut_short_before_a_page_that_is_not_the_last_one_listed(tmp_path: Path) -> None:
    """Pages share their data, those of zeros all of them, so ends are in no order."""
    path = tmp_path / "vmcore"
    made = bytearray(kdump({frame: bytes(PAGE) for frame in (2, 4, 6)}))
    table = 2 * PAGE + 2 * 4096
    made[table : table + 8] = struct.pack("<Q", len(made) - 100)
    path.write_bytes(made)
    with pytest.raises(TargetError, match="is truncated: "):
        open_core_file(path)


def test_a_descriptor_out_of_this_world(tmp_path: Path) -> None:
    path = tmp_path / "vmcore"
    made = bytearray(kdump({2: bytes(PAGE)}))
    table = 2 * PAGE + 2 * 4096
    made[table : table + 8] = struct.pack("<Q", (1 << 64) - 2 * PAGE)
    path.write_bytes(made)
    with pytest.raises(TargetError, match="is truncated: "):
        open_core_file(path)


def test_a_flattened_file_of_no_record(tmp_path: Path) -> None:
    path = tmp_path / "vmcore"
    path.write_bytes(flattened(DUMP)[:4096] + struct.pack(">qq", -1, -1))
    with pytest.raises(TargetError, match="is a damaged or truncated kdump file"):
        open_core_file(path)
