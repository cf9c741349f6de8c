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

from tests.command.klp_debug_cli import klp_debug_run
from tests.command.scanned import scan_json, scanner
from vmcores.damages.trampoline import BNE, LD_R15_R1, MR_R3_R15, MTLR_R3
from vmcores.image import Image, image

pytestmark = pytest.mark.lab

OBJCOPY = "powerpc64le-linux-gnu-objcopy"
KLP_SYMBOL = b".klp.sym.scsi_common.scsi_set_sense_information,0\0"
R_TYPE = 8
"""Where the type is in a relocation, in bytes."""
ADDR64, TOC16_HA, TOC16_DS = 38, 50, 63


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


# what livepatch itself relocates: reloc_patch has one such relocation, and its symbol


def reloc_patch(booted: Image, to: Path) -> Path:
    return Path(shutil.copy(booted.modules / "reloc_patch.ko", to / "reloc_patch.ko"))


def rename_symbol(path: Path, name: bytes) -> None:
    """Give livepatch's symbol another name, which is no longer."""
    data = path.read_bytes()
    assert data.count(KLP_SYMBOL) == 1
    path.write_bytes(data.replace(KLP_SYMBOL, name.ljust(len(KLP_SYMBOL), b"\0")))


def change_type(path: Path, type_: int) -> None:
    """Give livepatch's relocation another type."""
    data = bytearray(path.read_bytes())
    with path.open("rb") as file:
        section = ELFFile(file).get_section_by_name(".klp.rela.scsi_common.d")
        assert section is not None
        at = section["sh_offset"] + R_TYPE
    assert int.from_bytes(data[at : at + 4], "little") == ADDR64
    data[at : at + 4] = type_.to_bytes(4, "little")
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("name", "id_", "evidence"),
    [
        ("scsi_common.scsi_unset_sense,0", "klp-symbol-not-found", "has none of that name"),
        ("scsi_common.int_to_scsilun,2", "klp-symbol-not-found", "has 1: .text"),
        ("scsi_common..TOC.,0", "klp-toc-symbol", "in .klp.rela.scsi_common.d"),
        ("scsi_common.count.17,0", "klp-static-local", "in .klp.rela.scsi_common.d"),
        ("vmlinux.kfree,0", "klp-relocation-refused", "may not use one of vmlinux"),
        ("scsi_common", "klp-relocation-refused", "is not .klp.sym.OBJECT.NAME,POSITION"),
    ],
)
@pytest.mark.parametrize("kernel", ["6.1", "6.12", "7.2", "7.2-pcrel"])
def test_symbols_of_livepatch(
    tmp_path: Path, kernel: str, name: str, id_: str, evidence: str
) -> None:
    booted = image(kernel)
    patch = reloc_patch(booted, tmp_path)
    against = booted.vmlinux, booted.modules / "scsi_common.ko"
    assert list(hazards(patch, *against)) == ["klp-relocation-late"]
    rename_symbol(patch, b".klp.sym." + name.encode() + b"\0")
    assert evidence in hazards(patch, *against)[id_]["evidence"]


@pytest.mark.parametrize(("type_", "name"), [(TOC16_DS, "TOC16_DS"), (TOC16_HA, "TOC16_HA")])
@pytest.mark.parametrize("kernel", ["6.1", "6.12", "7.2"])
def test_toc_data_out_of_range(tmp_path: Path, kernel: str, type_: int, name: str) -> None:
    """From the patch's TOC: 16 bits reach no other module, 32 bits no vmlinux."""
    booted = image(kernel)
    patch = reloc_patch(booted, tmp_path)
    change_type(patch, type_)
    found = hazards(patch, booted.modules / "scsi_common.ko")
    near = type_ == TOC16_HA
    assert ("klp-relocation-out-of-range" in found) is not near
    rename_symbol(patch, b".klp.sym.vmlinux.kfree,0\0")
    far = hazards(patch, booted.vmlinux)["klp-relocation-out-of-range"]
    assert far["evidence"] == f"R_PPC64_{name} at +0x0"


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
