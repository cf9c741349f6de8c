# SPDX-License-Identifier: GPL-2.0-or-later
"""``list --long`` against sysfs, /proc/modules, the log and what a replacement says of itself."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.cli import klp_debug_json
from tests.support.tier import by_tier
from vmcores.build.image import image
from vmcores.build.recipe import guest_kernels
from vmcores.guest.guest import Guest
from vmcores.guest.saved_guest import booted_guest

pytestmark = pytest.mark.lab

CALLS = 0x51AD
PATCHES = ["shadow_patch", "reloc_patch"]


@pytest.fixture(scope="module", params=by_tier(covering=["6.1"], full=guest_kernels()))
def guest(request: pytest.FixtureRequest) -> Iterator[Guest]:
    """Return a guest with a patch that has all of it, and one whose object came later."""
    with booted_guest(image(request.param)) as guest:
        for patch in PATCHES:
            guest.check(f"load-patch {patch}")
        guest.check("insmod /modules/scsi_common.ko")
        yield guest


def long(guest: Guest) -> Any:
    document = klp_debug_json(
        "list", "--long", "--qemu", guest.qmp_socket, "-s", guest.image.vmlinux
    )
    assert document["problems"] == []
    return document["long"]


def test_the_modules(guest: Guest) -> None:
    for patch in long(guest)["patches"]:
        sysfs = f"/sys/module/{patch['name']}"
        for what in ("version", "srcversion"):
            told = guest.run(f"cat {sysfs}/{what}")
            assert patch[what] == (told.output.strip() if told.status == 0 else None)
        (taints,) = re.findall(
            rf"^{patch['name']} .* \((\w+)\)$", guest.check("cat /proc/modules"), re.MULTILINE
        )
        assert patch["taints"] == taints
    assert long(guest)["patches"][0]["version"] == "1.2-3"


def stamp(guest: Guest, line: str) -> float:
    (found,) = re.findall(
        rf"^\[ *([\d.]+)\] {re.escape(line)}$", guest.check("dmesg"), re.MULTILINE
    )
    return float(found)


def test_when(guest: Guest) -> None:
    patches = long(guest)["patches"]
    assert [patch["name"] for patch in patches] == PATCHES
    for patch in patches:
        line = f"livepatch: enabling patch '{patch['name']}'"
        assert patch["enabled_at"] == stamp(guest, line)
    applied = {obj["name"]: obj["applied_at"] for obj in patches[1]["objects"]}
    line = "livepatch: applying patch 'reloc_patch' to loading module 'scsi_common'"
    assert applied == {"vmlinux": None, "scsi_common": stamp(guest, line)}


def test_callbacks(guest: Guest) -> None:
    """Those in shadow_patch.c."""
    first, second = long(guest)["patches"]
    (vmlinux,) = first["objects"]
    assert vmlinux["callbacks"] == ["pre_patch", "post_patch", "pre_unpatch", "post_unpatch"]
    assert [obj["callbacks"] for obj in second["objects"]] == [[], []]


def test_shadow_variables(guest: Guest) -> None:
    obj, data, _ = guest.check("cat /proc/cmdline").split()
    (shadow,) = long(guest)["shadow_variables"]
    assert (int(shadow["id"], 16), int(shadow["object"], 16)) == (CALLS, int(obj, 16))
    assert int(shadow["data"], 16) == int(data, 16)
    assert shadow["room"] is None or 4 <= shadow["room"] <= 64


def test_taint(guest: Guest) -> None:
    mask = int(guest.check("cat /proc/sys/kernel/tainted"))
    letters = long(guest)["taint"]
    assert ("K" in letters, "O" in letters) == (bool(mask >> 15 & 1), bool(mask >> 12 & 1))
    assert set(letters) == {"G", "O", "K"}
