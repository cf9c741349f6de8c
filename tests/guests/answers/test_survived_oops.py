# SPDX-License-Identifier: GPL-2.0-or-later
"""An oops and a warning in a patch's own function that the kernel survived, by the guest's log."""

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

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module", params=by_tier(covering=["7.2"], full=guest_kernels()))
def guest(request: pytest.FixtureRequest) -> Iterator[Guest]:
    """Return a guest in which one patch has killed a task, and another warned twice."""
    with booted_guest(image(request.param)) as guest:
        assert guest.check("cat /proc/sys/kernel/panic_on_oops") == "0\n"
        guest.check("insmod /modules/scsi_common.ko; insmod /modules/leaf_probe.ko")
        guest.check("load-patch warn_patch; load-patch crash_patch")
        assert guest.check("cat /proc/cmdline; cat /proc/cmdline") == "warn_patch\n" * 2
        assert guest.run("cat /proc/leaf_probe_wait").status != 0
        yield guest


@pytest.fixture
def log(guest: Guest) -> list[str]:
    return guest.check("dmesg").splitlines()


def findings(guest: Guest, status: int = 1) -> dict[str, Any]:
    document = klp_debug_json(
        "report", "--qemu", guest.qmp_socket, "-s", guest.image.vmlinux, status=status
    )
    assert document["problems"] == []
    found = {finding["id"]: finding for finding in document["findings"]}
    assert len(found) == len(document["findings"])
    return found


def test_both_are_findings_as_the_log_has_them(guest: Guest, log: list[str]) -> None:
    found = findings(guest)
    assert sorted(found) == ["oops-in-patch", "warning-in-patch"]
    (nip,) = re.findall(r"NIP \[[0-9a-f]+\] (crashing_\S+)/\S+ \[crash_patch\]", "\n".join(log))
    assert found["oops-in-patch"]["subject"] == f"{nip} [crash_patch]"
    warned = re.findall(r"NIP \[[0-9a-f]+\] (warning_\S+)/\S+ \[warn_patch\]", "\n".join(log))
    assert len(warned) == 2
    assert found["warning-in-patch"]["subject"] == f"{warned[0]} [warn_patch]"
    assert "; 1 more of the same, the last at " in found["warning-in-patch"]["evidence"]


@pytest.mark.parametrize(
    ("finding", "first"), [("oops-in-patch", "BUG: "), ("warning-in-patch", "WARNING: ")]
)
def test_when_and_in_which_task(guest: Guest, log: list[str], finding: str, first: str) -> None:
    number = next(at for at, line in enumerate(log) if f"] {first}" in line)
    stamp, _, text = log[number].partition("] ")
    said = re.search(r"PID: (\d+) Comm: cat (Tainted: .*?)\s+\d+\.\d+", "\n".join(log[number:]))
    assert said is not None
    evidence = findings(guest)[finding]["evidence"]
    taint = " ".join(said[2].split())
    assert evidence.startswith(f"at {stamp.strip('[ ')} s in cat ({said[1]}), {taint}: {text}; ")


def test_the_verdict_does_not_say_that_nothing_is_wrong(guest: Guest) -> None:
    ran = klp_debug_run("report", "--qemu", guest.qmp_socket, "-s", guest.image.vmlinux)
    assert ran.status == 1
    assert "The kernel did not crash." in ran.out
    assert "not as it should be: 2 findings below" in " ".join(ran.out.split())
