# SPDX-License-Identifier: GPL-2.0-or-later
"""Every scenario runs, its truths hold, and its captures are what they claim to be."""

import pytest

from tests.conftest import Captured
from tests.support.tier import cases
from vmcores.scenarios.scenario import load_scenario, scenario_names

pytestmark = pytest.mark.lab

# kind -> how its file begins.
MAGIC = {
    "kdump": b"KDUMP   ",
    "elf": b"\x7fELF\x02\x01",
    # QEMU before 8.1 says big-endian of a little-endian guest.
    "qemu-elf": b"\x7fELF\x02",
    "qemu-kdump": b"makedumpfile\0",
}
CASES = [(name, *case) for name in scenario_names() for case in cases(name)]


@pytest.mark.parametrize(("name", "kernel", "mmu"), CASES)
def test_scenario(captured: Captured, name: str, kernel: str, mmu: str) -> None:
    taken = captured(name, mmu, kernel)
    scenario = load_scenario(name)
    assert set(taken.paths) == set(scenario.captures)
    for kind, path in taken.paths.items():
        with path.open("rb") as file:
            assert file.read(len(MAGIC[kind])) == MAGIC[kind]
    oracle = taken.oracle
    assert scenario.true.broken(oracle) == []
    assert scenario.true.broken_by_end(taken.oops) == []
    assert oracle.mmu == mmu
    assert oracle.page_size == (4096 if kernel == "6.1-4k" else 65536)
    assert oracle.release.startswith(f"{kernel.partition('-')[0]}.")
    # The vmlinux that goes with the captures is the one that ran.
    assert bytes.fromhex(oracle.build_id) in taken.image.vmlinux.read_bytes()
    assert taken.console_log.stat().st_size


@pytest.mark.parametrize("mmu", ["radix", "hash"])
def test_patched_oracle(captured: Captured, mmu: str) -> None:
    oracle = captured("patched", mmu).oracle
    assert oracle.patch("leaf_patch").functions() == {("scsi_common", "int_to_scsilun")}
    assert oracle.patch("cmdline_patch_2").functions() == {("vmlinux", "cmdline_proc_show")}
    assert all(o.patched for p in oracle.patches for o in p.objects)
    assert {f.count for f in oracle.enabled_functions} == {1}
    assert oracle.address("patched_int_to_scsilun", "leaf_patch")
    assert oracle.address("cmdline_proc_show")
    loaded = {module.name for module in oracle.modules}
    assert loaded >= {"scsi_common", "leaf_probe", "leaf_patch", "toc_patch"}


def test_second_time_comes_from_the_cache(captured: Captured) -> None:
    first = captured("unpatched").path("kdump").stat()
    assert captured("unpatched").path("kdump").stat() == first


def test_stalled_task(captured: Captured) -> None:
    tasks = captured("stalled").oracle.transition_tasks
    waiting = [task for task in tasks if task.patch_state == 0]
    assert [task.comm for task in waiting] == ["cat"]
    assert "leaf_probe_wait_here [leaf_probe]" in waiting[0].stack


def test_module_files_match_what_was_loaded(captured: Captured) -> None:
    taken = captured("patched")
    files = {path.stem for path in taken.image.modules.glob("*.ko")}
    assert {module.name for module in taken.oracle.modules} <= files
