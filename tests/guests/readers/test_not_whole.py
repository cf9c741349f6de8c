# SPDX-License-Identifier: GPL-2.0-or-later
"""
Real dumps that are not whole: what they still say is what the whole one says, or an error.

Those of makedumpfile are made by makedumpfile, from the ELF copies of /proc/vmcore.
"""

import os
import struct
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from drgn import FaultError, Program

from klp_debug.targets.attaching import open_core
from klp_debug.targets.core_file import CoreFile
from klp_debug.targets.open_core_file import open_core_file
from klp_debug.targets.split_dump import open_parts
from tests.conftest import Captured
from tests.support.cli import klp_debug_json, klp_debug_process, refusal
from tests.support.drgn_cli import drgn_run
from tests.support.makedumpfile import Makedumpfile
from vmcores.scenarios.capture import CaptureSet

pytestmark = pytest.mark.lab


@pytest.fixture
def patched(captured: Captured) -> CaptureSet:
    return captured("patched", "radix", "6.1")


@pytest.fixture(scope="module")
def makedumpfile(captured: Captured, tmp_path_factory: pytest.TempPathFactory) -> Makedumpfile:
    initramfs = captured("patched", "radix", "6.1").image.initramfs
    return Makedumpfile(initramfs, tmp_path_factory.mktemp("makedumpfile"))


def cut(whole: Path, path: Path, keep: float) -> Path:
    """Write a copy that ends after a share of the file."""
    subprocess.run(["cp", "--sparse=always", whole, path], check=True)
    path.chmod(0o600)
    os.truncate(path, int(whole.stat().st_size * keep))
    return path


def pages(prog: Program, page_size: int, count: int) -> Iterator[bytes | str]:
    """Yield each page of a program's physical memory, or why it cannot be read."""
    for frame in range(count):
        try:
            yield prog.read(frame * page_size, page_size, True)
        except FaultError as fault:
            yield fault.args[0]


def compared(core: CoreFile, whole: Path, page_size: int, size: int = 512 << 20) -> Counter[str]:
    """Count the pages that two dumps have, and why one lacks others; what both have is the same."""
    ours = open_core(core, None).prog
    theirs = open_core(open_core_file(whole), None).prog
    counted: Counter[str] = Counter()
    count = size // page_size
    for mine, their in zip(
        pages(ours, page_size, count), pages(theirs, page_size, count), strict=True
    ):
        if isinstance(mine, str):
            counted[mine if isinstance(their, bytes) else "neither"] += 1
        else:
            assert mine == their
            counted["same"] += 1
    return counted


@pytest.mark.parametrize("kind", ["kdump", "elf"])
@pytest.mark.parametrize("keep", [0.3, 0.8, 0.97, 0.999])
def test_memory_of_a_cut_one(patched: CaptureSet, tmp_path: Path, kind: str, keep: float) -> None:
    core = open_core_file(cut(patched.path(kind), tmp_path / "vmcore", keep))
    counted = compared(core, patched.path(kind), 65536)
    lost = counted["this page was cut off the file"]
    if kind == "elf":
        lost += counted["short read from memory file"]  # of a page that is cut in two
    assert counted["same"] > 10
    assert lost > 0
    assert set(counted) <= {
        "same",
        "neither",
        "this page was cut off the file",
        "short read from memory file",
    }
    percent = 100 * counted["same"] // (counted["same"] + lost)
    (said,) = core.not_whole
    assert said.startswith("cut short: ")
    # Bytes are counted of an ELF core, pages of a kdump.
    assert abs(int(said.split()[2].removesuffix("%")) - percent) <= (1 if kind == "elf" else 0)


def read(listed: list[Any]) -> list[Any]:
    """Return the elements of a document's list but for those that could not be read."""
    return [one for one in listed if "unknown" not in one]


@pytest.mark.parametrize(
    ("kind", "keep"),
    # QEMU writes the page descriptors of its kdump behind the pages.
    [
        *((kind, keep) for kind in ("kdump", "elf", "qemu-elf") for keep in (0.97, 0.999)),
        ("qemu-kdump", 0.999),
    ],
)
def test_answers_of_a_cut_one(patched: CaptureSet, tmp_path: Path, kind: str, keep: float) -> None:
    """What it still lists the guest said too, and that it is cut short is said first."""
    core = cut(patched.path(kind), tmp_path / "vmcore", keep)
    target = ("-c", core, "-s", patched.image.vmlinux)
    document = klp_debug_json("list", *target, status=1)
    first, *_ = document["problems"]
    assert first["where"] == "this dump"
    assert first["what"].startswith("cut short: ")
    told = {
        (
            patch.name,
            function,
            patched.oracle.address(function, None if obj == "vmlinux" else obj),
        )
        for patch in patched.oracle.patches
        for obj, function in patch.functions()
    }
    # What is cut off is unknown in it, and nothing else is there than was.
    for patch in read(document["patches"]):
        for obj in read(patch["objects"]):
            for function in read(obj["functions"]):
                place = int(function["old_func"], 16)
                assert (patch["name"], function["old_name"], place) in told
    ran = klp_debug_process("func", "cmdline_proc_show", *target)
    assert "Traceback" not in ran.out + ran.err
    assert ran.status in (1, 2)
    if ran.status == 1:
        assert f"{patched.oracle.address('cmdline_proc_show'):016x}" in ran.out
    assert "cut short" in ran.out + ran.err


def test_drgn_reads_a_cut_one(patched: CaptureSet, tmp_path: Path) -> None:
    """In drgn's own prompt, where libkdumpfile would die of it, the plugin says it at once."""
    core = cut(patched.path("kdump"), tmp_path / "vmcore", 0.97)
    script = tmp_path / "script.py"
    script.write_text(
        "from drgn import FaultError\n"
        "from klp_debug import livepatches\n"
        "def read(address, physical=False):\n"
        "    try:\n"
        "        return prog.read(address, 1, physical)\n"
        "    except FaultError as fault:\n"
        "        return fault.args[0]\n"
        "lost = {read(n << 16, True) for n in range(8192)}\n"
        "lost |= {read((0xc << 60) + (n << 16)) for n in range(8192)}\n"
        "lost |= {read(n << 16) for n in (0, 1 << 40, (1 << 48) - 1)}\n"
        "print('cut off' in str(lost), prog['linux_banner'].string_()[:5])\n"
        "print(livepatches(prog).problems[0].what)\n"
    )
    ran = drgn_run("-c", core, "-s", patched.image.vmlinux, script)
    lack = "cut short: 92% of the pages are here"
    assert (ran.status, ran.out) == (0, f"True b'Linux'\n{lack}\n"), ran.err
    assert ran.err.startswith(f"klp-debug: this dump is {lack}\n")


def test_split_by_makedumpfile(
    captured: Captured, makedumpfile: Makedumpfile, tmp_path: Path
) -> None:
    captures = captured("patched", "radix", "6.1-4k")
    parts = [tmp_path / "part.1", tmp_path / "part.2"]
    elf = captures.path("elf")
    makedumpfile.run("--split", "--splitblock-size", "16", "-l", "-d", "1", elf, *parts)
    core = open_parts(parts[::-1])
    assert core.not_whole == ()
    assert set(compared(core, elf, 4096, 64 << 20)) == {"same"}
    symbols = ("-s", captures.image.vmlinux)
    whole = klp_debug_json("list", "-c", captures.path("kdump"), *symbols)
    assert klp_debug_json("list", "-c", tmp_path / "part.?", *symbols) == whole
    assert klp_debug_json("list", "-c", parts[1], "-c", parts[0], *symbols) == whole
    alone = klp_debug_json("list", "-c", parts[0], *symbols, status=1)["problems"][0]
    assert alone["where"] == "this dump"
    assert alone["what"].startswith("part 1 of a split dump: page frames 0x0 to 0x")
    assert alone["what"].endswith(" of 0x20000; give all parts: -c PART1 -c PART2")
    assert "the last part of a split dump" in refusal("list", "-c", parts[1], *symbols)


def test_the_empty_parts_of_a_small_machine(
    patched: CaptureSet, makedumpfile: Makedumpfile, tmp_path: Path
) -> None:
    """With pages of 64K makedumpfile puts 512 MB into one part, LZO and all."""
    parts = [tmp_path / f"part.{number}" for number in (1, 2, 3)]
    makedumpfile.run("--split", "-l", "-d", "1", patched.path("elf"), *parts)
    core = open_parts(parts)
    assert core.not_whole == ()
    assert compared(core, patched.path("elf"), 65536)["same"] > 5000
    (said,) = open_core_file(parts[2]).not_whole
    assert said.startswith("an empty part of a split dump")


def test_a_disk_that_was_full(
    patched: CaptureSet, makedumpfile: Makedumpfile, tmp_path: Path
) -> None:
    dump = tmp_path / "vmcore"
    elf = patched.path("elf")
    makedumpfile.run_out_of_room(dump, 12, "-c", "-d", "1", elf)
    core = open_core_file(dump)
    counted = compared(core, elf, 65536)
    assert set(counted) == {"same", "makedumpfile could not write this page any more", "neither"}
    percent = 100 * counted["same"] // (counted.total() - counted["neither"])
    assert core.not_whole == (
        f"marked incomplete by makedumpfile: {percent}% of the pages are here",
    )


def test_a_disk_that_was_full_of_elf(
    patched: CaptureSet, makedumpfile: Makedumpfile, tmp_path: Path
) -> None:
    dump = tmp_path / "vmcore"
    makedumpfile.run_out_of_room(dump, 12, "-E", "-d", "1", patched.path("elf"))
    core = open_core_file(dump)
    (said,) = core.not_whole
    assert said.startswith("marked incomplete by makedumpfile: ")
    counted = compared(core, patched.path("elf"), 65536)
    assert counted["same"] > 100
    assert counted["this page was cut off the file"] > 0


@pytest.mark.parametrize("kernel", ["6.1", "7.2"])
def test_pages_that_an_elf_leaves_out(
    captured: Captured, makedumpfile: Makedumpfile, tmp_path: Path, kernel: str
) -> None:
    captures = captured("patched", "radix", kernel)
    dump = tmp_path / "vmcore"
    makedumpfile.run("-E", "-d", "1", captures.path("elf"), dump)
    core = open_core_file(dump)
    assert core.not_whole == ()
    counted = compared(core, captures.path("elf"), 65536)
    assert counted["same"] > 100
    assert counted["this page is excluded from the dump"] > 100
    symbols = ("-s", captures.image.vmlinux)
    whole = klp_debug_json("list", "-c", captures.path("elf"), *symbols)
    assert klp_debug_json("list", "-c", dump, *symbols) == whole


def test_a_flattened_elf(patched: CaptureSet, makedumpfile: Makedumpfile, tmp_path: Path) -> None:
    dump = tmp_path / "vmcore"
    makedumpfile.run("-E", "-d", "1", patched.path("elf"), flattened_to=dump)
    assert "rearrange it first: makedumpfile -R NEW < " in refusal("list", "-c", dump)


@pytest.mark.parametrize("compression", ["-c", "-l", "-p", "-z"])
@pytest.mark.parametrize(("kernel", "page_size"), [("6.1", 65536), ("6.1-4k", 4096)])
def test_a_cut_one_of_each_compression(
    captured: Captured,
    makedumpfile: Makedumpfile,
    tmp_path: Path,
    compression: str,
    kernel: str,
    page_size: int,
) -> None:
    """Zlib, LZO, snappy and Zstandard; the witness is the memory as the guest copied it."""
    elf = captured("patched", "radix", kernel).path("elf")
    whole = tmp_path / "whole"
    makedumpfile.run(compression, "-d", "1", elf, whole)
    core = open_core_file(cut(whole, tmp_path / "vmcore", 0.7))
    counted = compared(core, elf, page_size, 128 << 20)
    assert set(counted) <= {"same", "neither", "this page was cut off the file"}
    assert counted["same"] > 500


def test_a_cut_flattened_one(
    patched: CaptureSet, makedumpfile: Makedumpfile, tmp_path: Path
) -> None:
    """Its end mark is gone: drgn is not let near it."""
    whole = tmp_path / "whole"
    makedumpfile.run("-c", "-d", "1", patched.path("elf"), flattened_to=whole)
    core = open_core_file(cut(whole, tmp_path / "vmcore", 0.8))
    assert not core.by_drgn
    counted = compared(core, patched.path("elf"), 65536)
    assert set(counted) == {"same", "neither", "this page was cut off the file"}
    percent = 100 * counted["same"] // (counted.total() - counted["neither"])
    assert core.not_whole == (f"cut short: {percent}% of the pages are here",)


@pytest.mark.parametrize("kernel", ["6.1", "6.1-4k"])
@pytest.mark.parametrize("level", ["0", "1", "31"])
def test_a_bit_of_the_bitmap_that_flipped(
    captured: Captured, makedumpfile: Makedumpfile, tmp_path: Path, kernel: str, level: str
) -> None:
    captures = captured("patched", "radix", kernel)
    whole = tmp_path / "whole"
    makedumpfile.run("-c", "-d", level, captures.path("elf"), whole)
    # struct disk_dump_header: block_size, sub_hdr_size, bitmap_blocks.
    data = whole.read_bytes()
    block, sub_header, blocks = struct.unpack_from("<iiI", data, 428)
    start = (1 + sub_header + blocks // 2) * block
    bitmap = data[start : start + blocks // 2 * block]
    count = int.from_bytes(bitmap, "little").bit_count()
    assert open_core_file(whole).not_whole == ()
    for frame in (0, 5, 1000, 8 * block - 1):
        flipped = bytearray(data)
        flipped[start + frame // 8] ^= 1 << frame % 8
        told = count + (-1 if bitmap[frame // 8] >> frame % 8 & 1 else 1)
        path = tmp_path / "vmcore"
        path.write_bytes(flipped)
        assert open_core_file(path).not_whole == (
            f"damaged: its bitmap tells of {told} pages, its table of {count}: some may be taken"
            " for others",
        )
