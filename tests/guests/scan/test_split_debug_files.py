# SPDX-License-Identifier: GPL-2.0-or-later
"""Real files split in two by objcopy, as distributions do: together they are what they were."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from klp_debug.scan.census import FunctionKind
from klp_debug.scan.scan import Scanner
from tests.support.cli import refusal
from tests.support.scanned import scan_json
from vmcores.build.image import image

pytestmark = pytest.mark.lab

OBJCOPY = "powerpc64le-linux-gnu-objcopy"


def split(source: Path, folder: Path, *, strip: str = "--strip-debug") -> tuple[Path, Path]:
    """Return the file without its debugging information, and that."""
    whole, debug = folder / source.name, folder / f"{source.name}.debug"
    subprocess.run([OBJCOPY, "--only-keep-debug", source, debug], check=True)
    subprocess.run([OBJCOPY, strip, source, whole], check=True)
    return whole, debug


def functions(*paths: Path) -> Any:
    answer = Scanner(kinds=frozenset(FunctionKind)).scan(paths, "note", lambda name: None)
    (file,) = answer.files
    return file.counts, file.functions, file.offsets


def test_a_vmlinux_that_is_stripped_of_all(tmp_path: Path) -> None:
    vmlinux = image("6.1").vmlinux
    whole, debug = split(vmlinux, tmp_path, strip="--strip-all")
    assert "is stripped" in refusal("scan", whole)
    assert "give vmlinux too" in refusal("scan", debug)
    assert functions(debug, whole) == functions(vmlinux)


@pytest.mark.parametrize("kernel", ["6.1", "7.2"])
def test_a_module(tmp_path: Path, kernel: str) -> None:
    module = image(kernel).modules / "scsi_common.ko"
    assert functions(*split(module, tmp_path)) == functions(module)


def test_what_a_patch_is_compared_with(tmp_path: Path) -> None:
    """What became of a function is known by the debugging information alone."""
    booted = image("6.1")
    patch = booted.modules / "cmdline_patch_1.ko"
    whole, debug = split(booted.vmlinux, tmp_path, strip="--strip-all")
    assert "give vmlinux too" in refusal("scan", patch, "--against", debug)
    expected = hazards(patch, booted.vmlinux)
    assert hazards(patch, debug, whole) == expected


def hazards(patch: Path, *against: Path) -> Any:
    return scan_json(patch, *against)["hazards"]
