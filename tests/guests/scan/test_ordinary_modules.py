# SPDX-License-Identifier: GPL-2.0-or-later
"""Modules of real kernels: those that are live patches are told from all others."""

import subprocess
from pathlib import Path

import pytest

from klp_debug.scan.scan import Scanner
from tests.support.tier import by_tier
from vmcores.build.image import image

pytestmark = pytest.mark.lab

KERNELS = by_tier(covering=["6.1", "7.2"], full=["6.1", "6.12", "7.2", "7.2-pcrel"])


def marked(module: Path, readelf: str) -> bool:
    """Return whether binutils finds ``livepatch=Y`` in a module."""
    command = [readelf, "-p", ".modinfo", str(module)]
    return (
        "livepatch=Y" in subprocess.run(command, capture_output=True, text=True, check=True).stdout
    )


@pytest.mark.parametrize("kernel", KERNELS)
def test_none_is_taken_for_a_patch_that_does_not_say_so(kernel: str) -> None:
    booted = image(kernel)
    readelf = f"{booted.kernel.recipe.cross}readelf"
    modules = sorted(booted.modules.glob("*.ko"))
    patches = {path.name for path in modules if marked(path, readelf)}
    answer = Scanner(against=[booted.vmlinux, booted.modules]).scan(modules, "error", print)
    assert {Path(one.path).name for one in answer.files if one.kind == "livepatch"} == patches
    assert 0 < len(patches) < len(modules)
    assert {Path(one.file).name for one in answer.hazards} <= patches
