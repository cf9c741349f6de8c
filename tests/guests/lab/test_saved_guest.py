# SPDX-License-Identifier: GPL-2.0-or-later
"""Guests that go on where one was saved."""

import pytest

from vmcores.build.image import image
from vmcores.guest.live_guest import booted_live_guest, live_guest
from vmcores.guest.saved_guest import booted_guest

pytestmark = pytest.mark.lab

BOOT = "dmesg | grep 'Run /init'"
"""When init was started, to the microsecond."""


@pytest.mark.parametrize(
    ("kernel", "mmu", "smp"), [("6.1", "hash", 2), ("7.2", "radix", 4), ("7.2-pcrel", "radix", 2)]
)
def test_every_cpus_timers_go_on(kernel: str, mmu: str, smp: int) -> None:
    """QEMU saves none of them."""
    with booted_guest(image(kernel), mmu, smp=smp) as guest:
        for cpu in range(smp):
            before = float(guest.check("cat /proc/uptime").split()[0])
            guest.check(f"taskset -c {cpu} sleep 0.5", timeout=10)
            after = float(guest.check("cat /proc/uptime").split()[0])
            assert 0.5 <= after - before < 5
        assert "Oops" not in guest.check("dmesg")


def test_all_are_of_one_boot() -> None:
    with booted_guest(image("6.1")) as first, booted_guest(image("6.1")) as second:
        assert first.check(BOOT) == second.check(BOOT)
        first.check("touch /tmp/first; echo told > /share/told")
        assert second.run("ls /tmp/first").status != 0
        assert (first.share / "told").read_text() == "told\n"
        assert not (second.share / "told").exists()


@pytest.mark.full  # it boots; what was prepared is what every test of a live guest begins with
def test_what_was_prepared_is_there_and_another_boot_is_another() -> None:
    with live_guest("6.1") as saved, booted_live_guest("6.1") as booted:
        for guest in (saved, booted):
            assert guest.check("ls /sys/kernel/livepatch") == "ten_patch\n"
            guest.check("disable-patch ten_patch && rmmod ten_patch")
        assert saved.check(BOOT) != booted.check(BOOT)
