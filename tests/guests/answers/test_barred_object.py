# SPDX-License-Identifier: GPL-2.0-or-later
"""A module that a patch calls into, loaded, removed and loaded again, as the kernel lets it."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.cli import klp_debug_json, klp_debug_run
from tests.support.tier import by_tier
from vmcores.build.image import image
from vmcores.guest.guest import Guest
from vmcores.guest.saved_guest import booted_guest

pytestmark = pytest.mark.lab

LOAD = "insmod /modules/scsi_common.ko"


@pytest.fixture(
    scope="module", params=by_tier(covering=["6.1", "7.2"], full=["6.1", "6.12", "7.2"])
)
def guest(request: pytest.FixtureRequest) -> Iterator[Guest]:
    with booted_guest(image(request.param)) as guest:
        guest.check("load-patch late_patch")
        assert guest.check("cat /proc/uptime") == "late -1\n"
        yield guest


def minds(guest: Guest) -> bool:
    return guest.image.kernel.recipe.name == "6.1"


def ask(guest: Guest, *words: str, status: int = 0) -> Any:
    target = ("--qemu", guest.qmp_socket, "-s", guest.image.vmlinux)
    document = klp_debug_json(*words, *target, status=status)
    assert document["problems"] == []
    return document


def findings(guest: Guest, status: int = 0) -> list[tuple[str, str]]:
    return [(one["id"], one["subject"]) for one in ask(guest, "audit", status=status)["findings"]]


def scsi_common(guest: Guest) -> Any:
    ((_, obj),) = [patch["objects"] for patch in ask(guest, "list")["patches"]]
    assert obj["name"] == "scsi_common"
    return obj


def test_from_one_load_to_the_next(guest: Guest) -> None:
    assert findings(guest) == []
    assert scsi_common(guest)["barred_at"] is None
    guest.check(LOAD)
    assert guest.check("cat /proc/uptime") == "late 9\n"
    assert findings(guest) == []
    stub = ask(guest, "func", "late_call")
    assert stub["name"] == "late_call"

    guest.check("rmmod scsi_common")
    said = guest.run(f"{LOAD} 2>&1")
    assert (said.status != 0) is minds(guest)
    if not minds(guest):
        assert findings(guest) == []
        return
    assert "Expected nop after call" in guest.check("dmesg | tail -4")
    assert findings(guest, status=1) == [("object-barred", "scsi_common")]
    obj = scsi_common(guest)
    line, *_ = [one for one in guest.check("dmesg").splitlines() if "Expected nop" in one]
    assert f"got {obj_word(guest, obj)} at late_call+0x10" in line
    text = klp_debug_run("list", "--qemu", guest.qmp_socket, "-s", guest.image.vmlinux).out
    assert "scsi_common (not loaded; cannot be again: see `audit`)" in text
    (finding,) = ask(guest, "report", status=1)["findings"]
    assert finding["id"] == "object-barred"

    # As the finding says.
    guest.check(f"disable-patch late_patch && rmmod late_patch && {LOAD} && load-patch late_patch")
    assert guest.check("cat /proc/uptime") == "late 9\n"
    assert findings(guest) == []


def obj_word(guest: Guest, obj: Any) -> str:
    """Return the word behind the call that bars an object, by kallsyms and what was said of it."""
    symbols = guest.check("grep ' late_call' /proc/kallsyms").split()
    assert int(obj["barred_at"], 16) == int(symbols[0], 16) + 0xC
    return "e8410018"
