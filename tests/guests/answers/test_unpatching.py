# SPDX-License-Identifier: GPL-2.0-or-later
"""
A transition that takes a patch away, held up by a task that sleeps in a replacement.

A task that has switched runs the original, by what the function does when it calls it; one that has
not runs the replacement, as the sleeper does.
"""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.cli import klp_debug_json, klp_debug_run
from tests.support.tier import by_tier
from vmcores.build.image import image
from vmcores.build.recipe import guest_kernels
from vmcores.guest.guest import Guest
from vmcores.guest.saved_guest import booted_guest
from vmcores.scenarios.scenario import load_scenario

pytestmark = pytest.mark.lab

SLEEPS_IN = "sleeping_scsi_set_sense_information"
CALLED = "scsi_set_sense_information"
ORIGINAL = f"{CALLED} 0 720000000000000c000a80001122334455667788\n"
PATCH = "/sys/kernel/livepatch/sleep_patch"


@pytest.fixture(scope="module", params=by_tier(covering=["6.1"], full=guest_kernels()))
def guest(request: pytest.FixtureRequest) -> Iterator[Guest]:
    with booted_guest(image(request.param), memory=load_scenario("stalled").memory) as guest:
        guest.check("insmod /modules/scsi_common.ko; insmod /modules/leaf_probe.ko")
        guest.check("load-patch sleep_patch")
        guest.check(f"start-sleeper {SLEEPS_IN} > /tmp/sleeper; echo 0 > {PATCH}/enabled; sleep 3")
        assert guest.check(f"cat {PATCH}/transition") == "1\n"
        yield guest


def target(guest: Guest) -> tuple[Any, ...]:
    return ("--qemu", guest.qmp_socket, "--symbols", guest.image.vmlinux)


def test_a_switched_task_runs_the_original(guest: Guest) -> None:
    """The shell that calls it has switched: its patch_state is that of the target."""
    state, said = guest.check("cat /proc/self/patch_state /proc/leaf_probe_toc").split("\n", 1)
    assert (state, said) == ("0", ORIGINAL)
    sleeper = guest.check("cat /tmp/sleeper").strip()
    assert guest.check(f"cat /proc/{sleeper}/patch_state") == "1\n"
    assert SLEEPS_IN in guest.check(f"cat /proc/{sleeper}/stack")

    (patch,) = klp_debug_json("list", *target(guest))["patches"]
    assert patch["transition"] == "unpatching"
    functions = [function for obj in patch["objects"] for function in obj["functions"]]
    assert {function["old_name"] for function in functions} == {CALLED, "leaf_probe_wait_here"}
    for function in functions:
        assert (function["runs"], function["tasks"]) == ("in transition", "not yet switched")
    text = klp_debug_run("list", *target(guest)).out
    assert len(re.findall("replacement in tasks not yet switched", text)) == 2

    shown = klp_debug_json("func", CALLED, *target(guest))
    assert shown["runs"].endswith(f"; in transition: tasks already switched run {CALLED} itself")
    (winner,) = (hop for hop in shown["chain"] if hop["kind"] == "winner")
    assert winner["what"] == (
        "sleep_patch, in transition: tasks already switched run the version below it"
    )
