# SPDX-License-Identifier: GPL-2.0-or-later
"""An answer about a running kernel holds for one moment of it, or says that it may not."""

import gc

import pytest

from klp_debug.analysis.view.consistency import read_state
from klp_debug.targets.opening import open_target
from klp_debug.targets.options import TargetOptions
from tests.conftest import Played
from tests.support.cli import klp_debug_json, klp_debug_run

pytestmark = pytest.mark.lab

PATCH = "/sys/kernel/livepatch/cmdline_patch_2"


def test_what_changes_the_state(played: Played) -> None:
    guest, _ = played("patched", "radix", "6.1")
    options = TargetOptions(qemu=str(guest.qmp_socket), symbols=(guest.image.vmlinux,))
    with open_target(options) as target:
        assert target.changes
        calm = read_state(target.prog)
        assert len(calm) > 10
        assert read_state(target.prog) == calm
        guest.check(f"echo 0 > {PATCH}/enabled; while [ -e {PATCH} ]; do sleep 0.1; done")
        without = read_state(target.prog)
        assert without != calm
        guest.check("rmmod cmdline_patch_2; load-patch cmdline_patch_2")
        assert read_state(target.prog) != without
        guest.check("echo function > /sys/kernel/tracing/current_tracer")
        traced = read_state(target.prog)
        guest.check("echo nop > /sys/kernel/tracing/current_tracer")
        assert traced != read_state(target.prog)
    del target
    gc.collect()  # drgn keeps the QMP socket as long as there is a program


def test_while_a_patch_comes_and_goes(played: Played) -> None:
    """By the guest's own word it is there with its function, or not at all, and nothing between."""
    guest, _ = played("patched", "radix", "6.1")
    target = ("--qemu", guest.qmp_socket, "-s", guest.image.vmlinux)
    calm = klp_debug_json("list", *target)
    assert calm["problems"] == []
    stop = "/tmp/stop-toggling"
    toggle = (
        f"rm -f {stop}; (while ! [ -e {stop} ]; do"
        " echo 0 > /sys/kernel/livepatch/cmdline_patch_2/enabled;"
        " while [ -e /sys/kernel/livepatch/cmdline_patch_2 ]; do :; done;"
        " rmmod cmdline_patch_2; insmod /modules/cmdline_patch_2.ko;"
        f" while grep -q 1 /sys/kernel/livepatch/cmdline_patch_2/transition; do :; done; done;"
        f" touch {stop}.done) > /dev/null 2>&1 &"
    )
    guest.check(toggle)
    seen: set[str] = set()
    try:
        for _ in range(8):
            ran = klp_debug_run("list", *target, "--json")
            assert ran.status in (0, 1), ran.err
            assert "Traceback" not in ran.err, ran.err
            if '"unstable"' in ran.out:
                seen.add("unstable")
                continue
            seen.add("steady")
            if ran.status == 0:
                assert '"cmdline_patch_1"' in ran.out
    finally:
        guest.check(f"touch {stop}; while ! [ -e {stop}.done ]; do sleep 0.1; done; rm {stop}*")
    after = klp_debug_json("list", *target)
    names = [[patch["name"] for patch in one["patches"]] for one in (calm, after)]
    assert names[0] == names[1]
