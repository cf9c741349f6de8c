# SPDX-License-Identifier: GPL-2.0-or-later
"""Captures that cannot be used, or not all of them: one clear sentence, or what is left."""

import subprocess
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from tests.conftest import Captured
from tests.support.cli import klp_debug_json, klp_debug_run, refusal
from vmcores.scenarios.capture import CaptureSet

pytestmark = pytest.mark.lab


@pytest.fixture
def patched(captured: Captured) -> CaptureSet:
    return captured("patched", "radix")


def test_vmlinux_of_another_kernel(patched: CaptureSet, captured: Captured) -> None:
    another = captured("forced", kernel="6.12")
    other = another.image.vmlinux
    message = refusal("list", "-c", patched.path("kdump"), "-s", other)
    assert message == (
        f"klp-debug: {other} is of kernel {another.oracle.release}, the target runs"
        f" {patched.oracle.release}\n"
    )


def test_vmlinux_of_another_build(patched: CaptureSet, captured: Captured) -> None:
    """Of the same release."""
    another = captured("patched", "radix", "6.1-4k")
    other = another.image.vmlinux
    message = refusal("list", "-c", patched.path("kdump"), "-s", other)
    assert str(other) in message
    assert patched.oracle.build_id in message
    assert another.oracle.build_id in message


def test_vmlinux_without_dwarf(patched: CaptureSet) -> None:
    stripped = patched.image.kernel.stripped
    message = refusal("list", "-c", patched.path("kdump"), "-s", stripped)
    assert "has no DWARF debugging information" in message


def test_no_vmlinux(patched: CaptureSet, tmp_path: Path) -> None:
    message = refusal("list", "-c", patched.path("kdump"), "-s", tmp_path)
    assert "name its vmlinux by --symbols" in message


@pytest.mark.parametrize(
    ("kind", "keep", "says"),
    [
        ("kdump", 0.0001, "is truncated: "),
        ("elf", 0.0001, "is truncated: "),
        ("qemu-elf", 0.000001, "in its notes"),
        ("qemu-kdump", 0.0001, "truncated kdump file"),
        # QEMU writes the table that tells where each page is behind the pages.
        ("qemu-kdump", 0.5, "page descriptors that its bitmap speaks of"),
        # Without the kernel's own data nothing can be told.
        ("kdump", 0.3, "is cut short: "),
        ("elf", 0.01, "is cut short: "),
        ("qemu-elf", 0.01, "is cut short: "),
    ],
)
def test_too_little_is_left(
    patched: CaptureSet, tmp_path: Path, kind: str, keep: float, says: str
) -> None:
    whole = patched.path(kind)
    core = tmp_path / "vmcore"
    with whole.open("rb") as source:
        core.write_bytes(source.read(int(whole.stat().st_size * keep)))
    message = refusal("list", "-c", core, "-s", patched.image.vmlinux)
    assert says in message


@pytest.mark.full  # a kernel of its own
def test_kernel_without_livepatch(captured: Captured) -> None:
    captures = captured("nolivepatch")
    target = ("-c", captures.path("kdump"), "-s", captures.image.vmlinux)
    ran = klp_debug_run("list", *target)
    assert (ran.status, ran.err) == (0, "")
    assert "no live patch: the kernel was built without CONFIG_LIVEPATCH\n" in ran.out
    ran = klp_debug_run("func", "cmdline_proc_show", *target)
    assert (ran.status, ran.err) == (0, "")
    message = refusal("status", *target)
    assert "built without CONFIG_LIVEPATCH" in message
    assert captures.oracle.release in message


@pytest.mark.full  # a kernel of its own
@pytest.mark.parametrize("command", ["report", "audit", "ops"])
def test_kernel_without_ftrace(captured: Captured, command: str) -> None:
    """What does not need livepatch answers; what the kernel has not is no unknown."""
    captures = captured("nolivepatch")
    assert captures.oracle.enabled_functions == ()
    target = ("-c", captures.path("kdump"), "-s", captures.image.vmlinux)
    document = klp_debug_json(command, *target)
    assert document["problems"] == []
    assert document["kernel"]["dialect"] == "none"
    sites = document["audit"] if command == "report" else document
    assert sites["sites"] == 0
    if command == "report":
        assert document["verdict"]["blame"] == "not involved"
    else:
        assert document["ops" if command == "ops" else "findings"] == []


def test_no_patch_loaded_is_fine(captured: Captured) -> None:
    captures = captured("unpatched")
    target = ("-c", captures.path("kdump"), "-s", captures.image.vmlinux)
    ran = klp_debug_run("list", *target)
    assert (ran.status, ran.err) == (0, "")
    assert "no live patch is loaded" in ran.out
    assert klp_debug_json("list", *target)["patches"] == []


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("nosuch_function", "no function nosuch_function"),
        ("0x10", "is not mapped"),
        ("scsi_mod:int_to_scsilun", "no function int_to_scsilun in scsi_mod"),
        ("jiffies", "no function jiffies"),
    ],
)
def test_no_such_function(patched: CaptureSet, name: str, says: str) -> None:
    message = refusal("func", name, "-c", patched.path("kdump"), "-s", patched.image.vmlinux)
    assert says in message


def test_corrupted_structure_is_a_finding(patched: CaptureSet, tmp_path: Path) -> None:
    """A capture whose list of patches leads nowhere: the rest is shown, and the exit code is 1."""
    core = tmp_path / "vmcore"
    subprocess.run(["cp", "--sparse=always", patched.path("elf"), core], check=True)
    # vmlinux's data lies in the linear map: its physical address is below 0xc000...
    physical = patched.oracle.address("klp_patches") & ~(0xC << 60)
    with core.open("r+b") as file:
        (segment,) = (
            segment.header
            for segment in ELFFile(file).iter_segments("PT_LOAD")
            if segment["p_paddr"] <= physical < segment["p_paddr"] + segment["p_filesz"]
        )
        file.seek(segment["p_offset"] + physical - segment["p_paddr"])
        file.write(b"\x08\x00\xff\xff\x00\x08\x00\xc0")
    target = ("-c", core, "-s", patched.image.vmlinux)
    ran = klp_debug_run("list", *target)
    assert (ran.status, ran.err) == (1, "")
    assert ran.out.startswith(f"Linux {patched.oracle.release} ppc64le")
    assert "\na patch is unknown: list klp_patches: " in ran.out
    assert "list klp_patches" in ran.out
    assert klp_debug_json("list", *target, status=1)["problems"]
