# SPDX-License-Identifier: GPL-2.0-or-later
"""The ways to name symbols and vmcoreinfo lead to the same answer."""

from pathlib import Path

import pytest
from drgn import program_from_core_dump

from tests.conftest import Captured
from tests.support.cli import klp_debug_json, klp_debug_run, refusal
from vmcores.build.image import image
from vmcores.scenarios.capture import CaptureSet

pytestmark = pytest.mark.lab


@pytest.fixture
def patched(captured: Captured) -> CaptureSet:
    return captured("patched", "hash")


def test_symbols_in_a_folder(patched: CaptureSet, tmp_path: Path) -> None:
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "vmlinux").symlink_to(patched.image.vmlinux)
    (tmp_path / "vmlinux-other").symlink_to(patched.image.kernel.stripped)
    (tmp_path / "notes.ko").write_text("not ELF: a folder may hold anything\n")
    core = patched.path("kdump")
    assert klp_debug_json("list", "-c", core, "-s", tmp_path) == klp_debug_json(
        "list", "-c", core, "-s", patched.image.vmlinux
    )


def test_kernel_directory(patched: CaptureSet) -> None:
    core = patched.path("kdump")
    directory = patched.image.vmlinux.parent
    assert klp_debug_json("list", "-c", core, "--kernel-directory", directory) == klp_debug_json(
        "list", "-c", core, "-s", patched.image.vmlinux
    )


@pytest.mark.parametrize("kind", ["kdump", "qemu-elf"])
def test_vmcoreinfo(patched: CaptureSet, tmp_path: Path, kind: str) -> None:
    text = tmp_path / "vmcoreinfo"
    text.write_bytes(program_from_core_dump(patched.path("elf"))["VMCOREINFO"].string_())
    target = ("-c", patched.path(kind), "-s", patched.image.vmlinux)
    assert klp_debug_json("list", *target, "--vmcoreinfo", text) == klp_debug_json("list", *target)


def test_a_target_that_does_not_tell_its_build_id(patched: CaptureSet, tmp_path: Path) -> None:
    """As before Linux 5.9: the notes in its memory do, and tell builds of one release apart."""
    text = tmp_path / "vmcoreinfo"
    whole = program_from_core_dump(patched.path("elf"))["VMCOREINFO"].string_().decode()
    text.write_text("\n".join(line for line in whole.splitlines() if "BUILD-ID" not in line))
    target = ("-c", patched.path("qemu-elf"), "--vmcoreinfo", text)
    own = patched.image.vmlinux
    listed = klp_debug_json("list", *target, "-s", own)["patches"]
    assert {patch["name"] for patch in listed} == {each.name for each in patched.oracle.patches}
    other = image("6.1-4k").vmlinux
    assert f"{other} is of another build: its build id is " in refusal("list", *target, "-s", other)
    newer = image("6.12").vmlinux
    assert f"{newer} is of kernel 6.12" in refusal("list", *target, "-s", newer)


def test_the_page_for_people(patched: CaptureSet) -> None:
    """The text says the verdict first, and names each hop's bytes."""
    target = ("-c", patched.path("kdump"), "-s", patched.image.vmlinux)
    ran = klp_debug_run("func", "int_to_scsilun", *target)
    assert (ran.status, ran.err) == (0, "")
    lines = ran.out.splitlines()
    address = patched.oracle.address("int_to_scsilun", "scsi_common")
    assert lines[0].startswith(f"Linux {patched.oracle.release} ppc64le, hash MMU, 64K pages")
    assert lines[3] == f"int_to_scsilun [scsi_common]  {address:016x}, 56 bytes"
    assert lines[4].startswith("leaf function: sets no TOC before its mcount site")
    assert lines[5].startswith("runs  patched_int_to_scsilun [leaf_patch]")
    assert f" ->  {address + 4:016x}" in ran.out
    assert "BROKEN" not in ran.out
    assert all(line == line.rstrip() for line in lines)
