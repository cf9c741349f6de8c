# SPDX-License-Identifier: GPL-2.0-or-later
"""Files that are no core of a ppc64le kernel: each gets one clear sentence."""

from pathlib import Path

import pytest

from klp_debug.errors import TargetError
from klp_debug.targets.core_file import CoreKind
from klp_debug.targets.open_core_file import open_core_file
from tests.support.made_core import (
    EM_X86_64,
    ET_EXEC,
    VMCOREINFO,
    disk_dump_header,
    elf,
    flattened,
    kdump,
    note,
)


def refusal(path: Path) -> str:
    with pytest.raises(TargetError) as caught:
        open_core_file(path)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    return message


@pytest.fixture
def core(tmp_path: Path) -> Path:
    return tmp_path / "vmcore"


def test_vmcore_of_proc_vmcore(core: Path) -> None:
    core.write_bytes(elf(notes=VMCOREINFO))
    assert open_core_file(core).kind is CoreKind.ELF


def test_qemu_dump_has_no_vmcoreinfo_and_any_byte_order(core: Path) -> None:
    core.write_bytes(elf(little=False))
    assert open_core_file(core).kind is CoreKind.QEMU_ELF


def test_no_such_file(core: Path) -> None:
    assert refusal(core).endswith("no such file")


def test_a_folder(tmp_path: Path) -> None:
    assert "directory" in refusal(tmp_path)


def test_not_a_core(core: Path) -> None:
    core.write_bytes(b"#!/bin/sh\n")
    assert "not a core" in refusal(core)


def test_empty(core: Path) -> None:
    core.write_bytes(b"")
    assert "not a core" in refusal(core)


def test_elf_but_no_core(core: Path) -> None:
    core.write_bytes(elf(type_=ET_EXEC))
    assert "not a core (ET_EXEC)" in refusal(core)


def test_x86_64(core: Path) -> None:
    core.write_bytes(elf(machine=EM_X86_64, notes=VMCOREINFO))
    assert "another architecture (x86-64)" in refusal(core)


def test_big_endian_ppc64(core: Path) -> None:
    vmcoreinfo = note(b"VMCOREINFO", b"OSRELEASE=4.4\n", little=False)
    core.write_bytes(elf(little=False, notes=vmcoreinfo))
    assert "another architecture (big-endian ppc64)" in refusal(core)


@pytest.mark.parametrize("keep", [10, 63, 64, 100, 64 + 2 * 56, 64 + 2 * 56 + len(VMCOREINFO)])
def test_truncated_elf(core: Path, keep: int) -> None:
    whole = elf(notes=VMCOREINFO)
    assert keep < len(whole)
    core.write_bytes(whole[:keep])
    message = refusal(core)
    assert "truncated" in message


@pytest.mark.parametrize(
    ("machine", "name"),
    [(b"x86_64", "x86-64"), (b"ppc64", "big-endian ppc64"), (b"\x1b[2J", r"'\x1b[2J'")],
)
def test_kdump_of_another_machine(core: Path, machine: bytes, name: str) -> None:
    core.write_bytes(disk_dump_header(machine))
    assert f"another architecture ({name})" in refusal(core)


def test_kdump_cut_in_its_header(core: Path) -> None:
    core.write_bytes(disk_dump_header(b"ppc64le")[:300])
    assert "truncated" in refusal(core)


def test_flattened_kdump_cut_in_its_bitmap(core: Path) -> None:
    core.write_bytes(flattened(kdump({1: bytes(4096)}))[: 4096 + 3000])
    assert "truncated" in refusal(core)


@pytest.mark.parametrize("piece", [40, 1000, 1 << 20])
def test_flattened_elf(core: Path, piece: int) -> None:
    core.write_bytes(flattened(elf(notes=VMCOREINFO), piece))
    assert refusal(core).endswith(
        f"is a flattened ELF core: rearrange it first: makedumpfile -R NEW < {core}"
    )
