# SPDX-License-Identifier: GPL-2.0-or-later
"""Real modules and a real vmlinux, whole, packed and cut anywhere."""

import json
import lzma
import os
import random
import subprocess
from pathlib import Path

import pytest

from klp_debug.errors import TargetError
from klp_debug.scan.scan import Scanner
from tests.support.cli import klp_debug_json, klp_debug_run, refusal
from vmcores.build.image import image

pytestmark = pytest.mark.lab

CUTS = 300


def test_real_patches_stop_a_build_or_not(tmp_path: Path) -> None:
    booted = image("6.1")
    against = ("--against", booted.vmlinux, booted.modules)
    bad, good = (booted.modules / f"{name}_patch.ko" for name in ("sibling", "toc"))
    for level in ("note", "warning", "error"):
        assert klp_debug_run("scan", bad, *against, "--fail-on", level).status == 1
    assert klp_debug_run("scan", good, *against, "--fail-on", "note").status == 1
    assert klp_debug_run("scan", good, *against).status == 0
    baseline = tmp_path / "baseline.json"
    baseline.write_text(klp_debug_run("scan", bad, *against, "--json").out)
    assert klp_debug_run("scan", bad, *against, "--baseline", baseline).status == 0
    # It accepts what it has, of this file alone.
    other = tmp_path / "other_patch.ko"
    other.write_bytes(bad.read_bytes())
    assert klp_debug_run("scan", other, *against, "--baseline", baseline).status == 1
    ran = klp_debug_run("scan", bad, *against, "--sarif", "--baseline", baseline)
    assert ran.status == 0
    (run,) = json.loads(ran.out)["runs"]
    assert all(one["suppressions"] for one in run["results"])


@pytest.mark.parametrize("kernel", ["6.1", "7.2"])
def test_a_real_module_cut_anywhere(tmp_path: Path, kernel: str) -> None:
    whole = (image(kernel).modules / "replace_patch.ko").read_bytes()
    path = tmp_path / "replace_patch.ko"
    points = {*range(80), *random.Random(1).sample(range(len(whole)), CUTS), len(whole) - 1}
    for length in sorted(points):
        path.write_bytes(whole[:length])
        with pytest.raises(TargetError):
            Scanner().scan([path], "note", lambda name: None)
    path.write_bytes(lzma.compress(whole)[:-100])
    assert "is a damaged or truncated packed file" in refusal("scan", path)


def test_a_real_vmlinux_cut_anywhere(tmp_path: Path) -> None:
    path = tmp_path / "vmlinux"
    whole = image("6.1").vmlinux
    subprocess.run(["cp", "--reflink=auto", whole, path], check=True)
    size = path.stat().st_size
    for length in sorted(random.Random(2).sample(range(size), 16), reverse=True):
        os.truncate(path, length)
        with pytest.raises(TargetError):
            Scanner().scan([path], "note", lambda name: None)


@pytest.mark.parametrize("packing", ["zlib", "zlib-gnu"])
def test_compressed_debugging_sections(tmp_path: Path, packing: str) -> None:
    """They are not needed; with them the options of the compiler are not known."""
    booted = image("6.1")
    plain = booted.modules / "leaf_patch.ko"
    packed = tmp_path / plain.name
    objcopy = f"{booted.kernel.recipe.cross}objcopy"
    command = [objcopy, f"--compress-debug-sections={packing}", plain, packed]
    subprocess.run(list(map(str, command)), check=True)
    against = ("--against", booted.vmlinux, booted.modules)
    (expected,) = klp_debug_json("scan", plain, *against)["files"]
    (told,) = klp_debug_json("scan", packed, *against)["files"]
    assert told | {"path": ""} == expected | {"path": ""}
