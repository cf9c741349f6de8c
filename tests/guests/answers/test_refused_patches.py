# SPDX-License-Identifier: GPL-2.0-or-later
"""A patch that the kernel refuses because somebody else has the function: who, by the guest."""

import shutil
from collections.abc import Iterator

import pytest

from tests.support.cli import klp_debug_json, klp_debug_run
from vmcores.build.guest_modules import build_live_modules
from vmcores.build.image import image
from vmcores.guest.guest import Guest
from vmcores.guest.saved_guest import booted_guest

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module", params=["6.1", "7.2"])
def guest(request: pytest.FixtureRequest) -> Iterator[Guest]:
    """A guest in which a kprobe was first, and a patch was refused twice."""
    booted = image(request.param)
    with booted_guest(booted) as guest:
        shutil.copytree(build_live_modules(booted.kernel), guest.share / "live")
        guest.check("insmod /modules/scsi_common.ko && insmod /share/live/probe_first.ko")
        for _ in range(2):
            assert guest.run("insmod /modules/leaf_patch.ko").status != 0
        yield guest


def test_who_is_in_the_way(guest: Guest) -> None:
    target = ("--qemu", guest.qmp_socket, "-s", guest.image.vmlinux)
    document = klp_debug_json("list", *target)
    assert document["patches"] == []
    said = [line.partition("] ")[2] for line in guest.check("dmesg").splitlines()]
    refused = [one["line"] for one in document["refusals"]]
    assert refused == [line for line in said if line.startswith("livepatch: failed to ")]
    busy = [one for one in document["refusals"] if one["line"].endswith("'int_to_scsilun' (-16)")]
    assert len(busy) >= 2
    (way,) = {one["in_the_way"] for one in busy}
    assert way == "now: kprobe on int_to_scsilun+0x0, with a post_handler"
    text = klp_debug_run("report", *target).out
    assert "refused by the kernel" in text
    assert "has it now: kprobe on int_to_scsilun" in text


def test_nobody_is_in_the_way_any_more(guest: Guest) -> None:
    guest.check("rmmod probe_first")
    try:
        document = klp_debug_json("list", "--qemu", guest.qmp_socket, "-s", guest.image.vmlinux)
    finally:
        guest.check("insmod /share/live/probe_first.ko")
    ways = {one["in_the_way"] for one in document["refusals"]}
    assert ways == {"nobody any more", None}
