# SPDX-License-Identifier: GPL-2.0-or-later
"""Hazards that no kernel or module of the lab has: real files, altered in one place."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from tests.support.cli import klp_debug_run
from tests.support.scanned import scan_json, scanner
from vmcores.build.image import image
from vmcores.damages.trampoline import BNE, LD_R15_R1, MR_R3_R15, MTLR_R3

pytestmark = pytest.mark.lab

OBJCOPY = "powerpc64le-linux-gnu-objcopy"


def objcopy(source: Path, to: Path, *options: str) -> Path:
    subprocess.run([OBJCOPY, *options, source, to], check=True)
    return to


def hazards(path: Path, *against: Path) -> dict[str, Any]:
    """Return the hazards of a file by id, but for the notes."""
    found = scan_json(path, *against)["hazards"]
    return {one["id"]: one for one in found if one["level"] != "note"}


@pytest.mark.parametrize(
    ("kernel", "section", "id_", "evidence"),
    [
        ("6.1", "__mcount_loc", "sites-unlisted", "the file has no __mcount_loc"),
        ("7.2", "__patchable_function_entries", "patch-without-sites", "it is built for 7.2."),
        ("7.2-pcrel", "__patchable_function_entries", "patch-without-sites", "built for 7.2."),
    ],
)
def test_without_its_list_of_sites(
    tmp_path: Path, kernel: str, section: str, id_: str, evidence: str
) -> None:
    booted = image(kernel)
    whole = booted.modules / "toc_patch.ko"
    bare = objcopy(whole, tmp_path / whole.name, "-R", section, "-R", f".rela{section}")
    against = booted.modules / "scsi_common.ko"
    assert hazards(whole, against) == {}
    found = hazards(bare, against)
    assert list(found) == [id_]
    assert evidence in found[id_]["evidence"]


def for_kernel(path: Path, to: Path, old: bytes, new: bytes) -> Path:
    """Copy a module, and change the kernel that it says it is for."""
    modinfo = to.with_suffix(".modinfo")
    objcopy(path, to, f"--dump-section=.modinfo={modinfo}")
    content = modinfo.read_bytes()
    assert b"vermagic=" + old in content
    modinfo.write_bytes(content.replace(b"vermagic=" + old, b"vermagic=" + new))
    return objcopy(path, to, f"--update-section=.modinfo={modinfo}")


def test_a_leaf_on_a_kernel_before_the_fix(tmp_path: Path) -> None:
    modules = image("6.1").modules
    for release, expected in ((b"4.5.", "original-leaf-crashes"), (b"4.6.", None)):
        folder = tmp_path / release.decode()
        folder.mkdir()
        patch, target = (
            for_kernel(modules / name, folder / name, b"6.1.", release)
            for name in ("leaf_patch.ko", "scsi_common.ko")
        )
        assert list(hazards(patch, target)) == ([expected] if expected else [])
    notes = [one["id"] for one in scan_json(patch, target)["hazards"]]
    assert "original-leaf" in notes
    assert list(hazards(patch, modules / "scsi_common.ko")) == ["other-kernel"]


def with_words(path: Path, symbol: str, change: Callable[[list[int]], None]) -> None:
    """Change the words of a function in a vmlinux."""
    with path.open("r+b") as file:
        elf = ELFFile(file)
        table = elf.get_section_by_name(".symtab")
        assert isinstance(table, SymbolTableSection)
        symbols = table.get_symbol_by_name(symbol)
        assert symbols is not None
        (found,) = symbols
        section = elf.get_section(found["st_shndx"])
        file.seek(section["sh_offset"] + found["st_value"] - section["sh_addr"])
        start = file.tell()
        data = file.read(4 * 160)
        words = [int.from_bytes(data[at : at + 4], "little") for at in range(0, len(data), 4)]
        change(words)
        file.seek(start)
        file.write(b"".join(word.to_bytes(4, "little") for word in words))


def put_back_the_order_of_6_13(words: list[int]) -> None:
    """As the lab's damage ``r15_not_restored``, with which a guest crashes."""
    for index in range(len(words) - 4):
        bne, mr, mtlr, restore = words[index : index + 4]
        if (bne >> 16, mr, mtlr, restore >> 16) == (BNE, MR_R3_R15, MTLR_R3, LD_R15_R1):
            words[index : index + 4] = bne + 4, mr, restore, mtlr
            return
    raise AssertionError("ftrace_caller does not restore r15 as known")


def test_a_kernel_that_clobbers_r15(tmp_path: Path) -> None:
    booted = image("7.2")
    vmlinux = tmp_path / "vmlinux"
    subprocess.run(["cp", "--reflink=auto", booted.vmlinux, vmlinux], check=True)
    patch = booted.modules / "cmdline_patch_1.ko"
    assert hazards(patch, vmlinux) == {}
    with_words(vmlinux, "ftrace_caller", put_back_the_order_of_6_13)
    scanner.cache_clear()
    assert list(hazards(patch, vmlinux)) == ["kernel-clobbers-r15"]
    scanner.cache_clear()


@pytest.mark.parametrize("packing", [("gzip", ".gz"), ("xz", ".xz"), ("zstd", ".zst")])
def test_as_distributions_ship_modules(tmp_path: Path, packing: tuple[str, str]) -> None:
    """Packed by the programs that scripts/Makefile.modinst runs."""
    program, suffix = packing
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    booted = image("6.1")
    plain = booted.modules / "leaf_patch.ko"
    packed = Path(shutil.copy(plain, tmp_path))
    subprocess.run([program, "-q", packed], check=True)
    packed = packed.with_name(packed.name + suffix)
    against = ("--against", booted.modules / "scsi_common.ko")
    ran = klp_debug_run("scan", packed, *against)
    expected = klp_debug_run("scan", plain, *against)
    assert ran.out == expected.out.replace(str(plain), str(packed))
    assert ran.status == expected.status == 0
