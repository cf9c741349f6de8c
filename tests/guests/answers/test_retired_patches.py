# SPDX-License-Identifier: GPL-2.0-or-later
"""Patches that left the list: by force with a task inside, and in the ordinary way."""

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
SYSFS = "/sys/kernel/livepatch"


@pytest.fixture(scope="module", params=by_tier(covering=["6.1"], full=guest_kernels()))
def guest(request: pytest.FixtureRequest) -> Iterator[Guest]:
    """
    Return a guest in which a replace was forced while a task was in a replacement.

    Another patch, in which nobody is, was replaced with it.
    """
    with booted_guest(image(request.param), memory=load_scenario("stalled").memory) as guest:
        guest.check("insmod /modules/scsi_common.ko; insmod /modules/leaf_probe.ko")
        guest.check("load-patch cmdline_patch_1; load-patch sleep_patch")
        guest.check(f"start-sleeper {SLEEPS_IN} > /tmp/sleeper; insmod /modules/replace_patch.ko")
        assert guest.check(f"sleep 2; cat {SYSFS}/replace_patch/transition") == "1\n"
        guest.check(f"echo 1 > {SYSFS}/replace_patch/force; sleep 2")
        assert guest.check(f"ls {SYSFS}") == "replace_patch\n"
        yield guest


def held(guest: Guest) -> dict[str, int]:
    """Return how many hold each module, as /proc/modules says."""
    lines = (line.split() for line in guest.check("cat /proc/modules").splitlines())
    return {words[0]: int(words[2]) for words in lines}


def target(guest: Guest) -> tuple[Any, ...]:
    return ("--qemu", guest.qmp_socket, "-s", guest.image.vmlinux)


def test_they_are_listed_with_who_holds_them_and_who_is_inside(guest: Guest) -> None:
    document = klp_debug_json("list", "--all", *target(guest))
    assert [patch["name"] for patch in document["patches"]] == ["replace_patch"]
    retired = {patch["name"]: patch for patch in document["retired"]}
    assert retired.keys() == {"cmdline_patch_1", "sleep_patch"}
    said = held(guest)
    assert {name: one["references"] for name, one in retired.items()} == {
        name: said[name] for name in retired
    }
    assert retired["cmdline_patch_1"]["inside"] == []
    (task,) = retired["sleep_patch"]["inside"]
    sleeper = guest.check("cat /tmp/sleeper").strip()
    assert task["pid"] == int(sleeper)
    (frame,) = re.findall(rf"({SLEEPS_IN}\S+)/", guest.check(f"cat /proc/{sleeper}/stack"))
    assert task["frame"] == f"{frame} [sleep_patch]"


def test_a_plain_list_names_them(guest: Guest) -> None:
    text = klp_debug_run("list", *target(guest))
    assert text.status == 0
    (line,) = [one for one in text.out.splitlines() if one.startswith("loaded, but applied")]
    assert "cmdline_patch_1" in line
    assert "sleep_patch" in line


def test_the_frame_is_marked_and_its_task_found(guest: Guest) -> None:
    # What is unknown is what runs on the CPUs: nobody stopped them.
    (task, *rest) = klp_debug_json("bt", "--in-patched", *target(guest))["tasks"]
    assert all("registers of CPU" in one["unknown"] for one in rest)
    assert task["pid"] == int(guest.check("cat /tmp/sleeper"))
    marked = {
        frame["symbol"].partition("+")[0]: (frame["role"], frame["patch"])
        for frame in task["frames"]
        if frame["role"]
    }
    assert marked[SLEEPS_IN] == ("retired", "sleep_patch")


def test_report_warns(guest: Guest) -> None:
    document = klp_debug_json("report", *target(guest), status=1)
    (finding,) = document["findings"]
    assert finding["id"] == "task-in-retired-patch"
    assert SLEEPS_IN in finding["evidence"]
    references = held(guest)["sleep_patch"]
    assert references == 1
    assert finding["evidence"].endswith("; the kernel has 1 reference to sleep_patch")
