# SPDX-License-Identifier: GPL-2.0-or-later
"""
What livepatch itself relocates, made wrong in a real module: ``scan`` says so, and the guest after.

The lab's reloc_patch has one such relocation, and its symbol.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from elftools.elf.elffile import ELFFile

from tests.support.scanned import scan_json
from vmcores.build.image import image
from vmcores.guest.guest import Guest
from vmcores.guest.saved_guest import booted_guest

pytestmark = pytest.mark.lab

SYMBOL = b".klp.sym.scsi_common.scsi_set_sense_information,0\0"
R_TYPE = 8
"""Where the type is in a relocation, in bytes."""
ADDR64, TOC16_HA, TOC16_DS = 38, 50, 63

NAMES = {
    "scsi_common.scsi_unset_sense,0": (
        ("klp-symbol-not-found", "has none of that name"),
        "livepatch: symbol 'scsi_unset_sense' not found in symbol table",
    ),
    "scsi_common.int_to_scsilun,2": (
        ("klp-symbol-not-found", "has 1: .text"),
        "symbol position 2 for symbol 'int_to_scsilun' in object 'scsi_common' not found",
    ),
    "scsi_common..TOC.,0": (
        ("klp-toc-symbol", "in .klp.rela.scsi_common.d"),
        "livepatch: symbol '.TOC.' not found in symbol table",
    ),
    "scsi_common.count.17,0": (
        ("klp-symbol-not-found", "has none of that name"),
        "livepatch: symbol 'count.17' not found in symbol table",
    ),
    "vmlinux.kfree,0": (
        ("klp-relocation-refused", "may not use one of vmlinux"),
        "invalid access to vmlinux symbol 'kfree' from module-specific livepatch relocation",
    ),
    "scsi_common": (
        ("klp-relocation-refused", "is not .klp.sym.OBJECT.NAME,POSITION"),
        "livepatch: symbol .klp.sym.scsi_common has an incorrectly formatted name",
    ),
}


@pytest.fixture(scope="module", params=["6.1", "6.12", "7.2"])
def guest(request: pytest.FixtureRequest) -> Iterator[Guest]:
    """A guest of each kernel in turn, with the object that the relocation is for."""
    with booted_guest(image(request.param)) as guest:
        guest.check("insmod /modules/scsi_common.ko")
        yield guest


@pytest.fixture
def patch(guest: Guest) -> Path:
    """A copy of the patch, in the guest's share."""
    return Path(shutil.copy(guest.image.modules / "reloc_patch.ko", guest.share))


def rename_symbol(path: Path, name: str) -> None:
    """Give livepatch's symbol another name, which is no longer."""
    data = path.read_bytes()
    assert data.count(SYMBOL) == 1
    path.write_bytes(data.replace(SYMBOL, f".klp.sym.{name}".encode().ljust(len(SYMBOL), b"\0")))


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


def hazards(guest: Guest, patch: Path) -> dict[str, Any]:
    """Return the hazards of the patch by id, but for the notes."""
    against = guest.image.vmlinux, guest.image.modules / "scsi_common.ko"
    found = scan_json(patch, *against)["hazards"]
    return {one["id"]: one for one in found if one["level"] != "note"}


def load(guest: Guest, patch: Path) -> tuple[int, str]:
    """Load it; return insmod's status, and what the kernel said."""
    guest.check("dmesg -c > /dev/null")
    status = guest.run(f"insmod /share/{patch.name}").status
    return status, guest.check("dmesg")


def test_as_it_is(guest: Guest, patch: Path) -> None:
    assert list(hazards(guest, patch)) == ["klp-relocation-late"]


@pytest.mark.parametrize("name", NAMES)
def test_a_symbol_that_livepatch_refuses(guest: Guest, patch: Path, name: str) -> None:
    (id_, evidence), log = NAMES[name]
    rename_symbol(patch, name)
    assert evidence in hazards(guest, patch)[id_]["evidence"]
    status, said = load(guest, patch)
    assert status != 0
    assert log in said


def test_toc_data_that_no_other_module_is_in_reach_of(guest: Guest, patch: Path) -> None:
    change_type(patch, TOC16_DS)
    found = hazards(guest, patch)["klp-relocation-out-of-range"]
    assert found["evidence"] == "R_PPC64_TOC16_DS at +0x0"
    status, said = load(guest, patch)
    assert status != 0
    assert "bad TOC16_DS relocation" in said


def test_toc_data_of_vmlinux(guest: Guest, patch: Path) -> None:
    """The kernel takes the half without a word, if it gets so far; so only scan says it."""
    change_type(patch, TOC16_HA)
    assert "klp-relocation-out-of-range" not in hazards(guest, patch)
    rename_symbol(patch, "vmlinux.kfree,0")
    found = hazards(guest, patch)["klp-relocation-out-of-range"]
    assert found["evidence"] == "R_PPC64_TOC16_HA at +0x0"
