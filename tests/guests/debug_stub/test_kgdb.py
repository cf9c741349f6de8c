# SPDX-License-Identifier: GPL-2.0-or-later
"""KGDB over a guest's console: entered by sysrq, read, written, and left again."""

import dataclasses
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from klp_debug.analysis.patches.list import livepatches
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.errors import TargetError, WriteRefusedError
from klp_debug.targets.registers import MSR_PR, cpu_registers
from tests.support.cli import klp_debug_run
from tests.support.guest_activity import console_says, stopped
from tests.support.relay import PtyRelay
from tests.support.sure import whole
from tests.support.tier import by_tier
from vmcores.guest.guest import Guest
from vmcores.guest.live_guest import live_guest
from vmcores.oracle.oracle import Oracle
from vmcores.scenarios.played_guest import oracle_of, played_guest
from vmcores.scenarios.scenario import load_scenario

pytestmark = pytest.mark.lab

TRIES = 5
PARAMETER = "/sys/module/kgdboc/parameters/kgdboc"
IT_DIES = "expect 'Unrecoverable System Reset'"
"""What is told of a CPU that was stopped in the first instructions of an interrupt."""


class KgdbGuest:
    """A guest whose KGDB listens on its console, hvc0."""

    def __init__(self, guest: Guest, oracle: Oracle) -> None:
        self.guest = guest
        self.oracle = oracle
        self.console = guest.machine.folder / "console"

    def alive(self) -> bool:
        return self.guest.check("echo alive") == "alive\n"


@contextmanager
def kgdb_guest(kernel: str, cpus: int) -> Iterator[KgdbGuest]:
    """Start a guest whose KGDB listens on its console."""
    scenario = dataclasses.replace(load_scenario("patched"), smp=cpus)
    with played_guest(scenario, kernel, "radix") as guest:
        guest.check(f"echo hvc0 > {PARAMETER}")
        yield KgdbGuest(guest, oracle_of(guest))


@pytest.fixture(scope="module", params=by_tier(covering=["7.2"], full=["6.1", "6.12", "7.2"]))
def _kgdb(request: pytest.FixtureRequest) -> Iterator[KgdbGuest]:
    """On one CPU, since KGDB may end a kernel by its way to stop the others."""
    with kgdb_guest(request.param, 1) as subject:
        yield subject


@pytest.fixture
def kgdb(_kgdb: KgdbGuest) -> Iterator[KgdbGuest]:
    """A guest that runs, and runs again after the test."""
    yield _kgdb
    assert _kgdb.alive()


@pytest.mark.parametrize("kernel", by_tier(covering=["7.2"], full=["6.1", "6.12", "7.2"]))
def test_read_and_write(kernel: str) -> None:
    """All in one stop, for it is slow: what the guest says is what KGDB shows."""
    for _ in range(TRIES):
        said: list[str] = []
        with kgdb_guest(kernel, 2) as kgdb:
            before = int(kgdb.guest.check("cat /proc/sys/kernel/panic"))
            read_and_written(kgdb, said)
            if not any(IT_DIES in sentence for sentence in said):
                assert kgdb.guest.check("cat /proc/sys/kernel/panic") == "77\n" != f"{before}\n"
                return
    pytest.fail("an idle CPU was in the first instructions of an interrupt each time")


def read_and_written(kgdb: KgdbGuest, said: list[str]) -> None:
    guest, oracle = kgdb.guest, kgdb.oracle
    version = guest.read("/proc/version").decode()
    with stopped(guest, kgdb.console, said, enter_kgdb=True) as target:
        assert target.debugger is not None
        assert target.debugger.kind == "KGDB"
        memory = target.writable
        assert memory is not None
        assert memory.kind == "KGDB"

        banner = target.prog["linux_banner"].string_()
        patches = livepatches(KernelView(target))

        registers = cpu_registers(target)
        assert registers.problems == ()
        assert [told.cpu for told in registers.cpus] == [0, 1]
        # The CPU that entered KGDB did so by a trap in the kernel.
        assert any(told.trap == 0x700 and not told.msr & MSR_PR for told in registers.cpus)

        place = target.prog["panic_timeout"].address_
        assert place is not None
        memory.write(place, (77).to_bytes(4, "little"))
        assert memory.read(place, 4) == target.prog.read(place, 4) == (77).to_bytes(4, "little")

        text = oracle.address("int_to_scsilun", "scsi_common")
        word = memory.read(text, 4)
        with pytest.raises(WriteRefusedError, match=f"4 bytes at {text:#x}.*E14.*read-only"):
            memory.write(text, b"\0\0\0\x60")
        assert memory.read(text, 4) == word

    assert banner.decode() == version
    assert {patch.name for patch in whole(patches)} == {patch.name for patch in oracle.patches}


@pytest.mark.parametrize("_kgdb", ["7.2"], indirect=True)
def test_over_a_serial_device(kgdb: KgdbGuest) -> None:
    with PtyRelay(kgdb.console) as device, stopped(kgdb.guest, device, enter_kgdb=True) as target:
        assert target.debugger is not None
        assert target.debugger.kind == "KGDB"


@pytest.mark.parametrize("_kgdb", ["7.2"], indirect=True)
def test_a_kernel_that_is_not_in_it(kgdb: KgdbGuest, tmp_path: Path) -> None:
    """What GDB says goes to the shell on the console then, which takes it for nothing."""
    with (
        pytest.raises(TargetError, match=r"does not answer.*--kgdb-enter"),
        stopped(kgdb.guest, kgdb.console),
    ):
        pass


@pytest.mark.full  # that a stub is left stopped and found again, QEMU's shows as well
@pytest.mark.parametrize("_kgdb", ["7.2"], indirect=True)
def test_left_in_it_and_found_again(kgdb: KgdbGuest) -> None:
    words = ("--gdb", kgdb.console, "-s", kgdb.guest.image.vmlinux)
    left = klp_debug_run("bt", "cpu0", *words, "--kgdb-enter", "--leave-stopped")
    assert left.status == 0
    assert "stays stopped" in left.err
    again = klp_debug_run("bt", "cpu0", *words)
    assert again.out == left.out
    assert "runs again" in again.err


def test_a_kernel_that_cannot_go_on() -> None:
    """Its CPUs are stopped where an interrupt comes, as QEMU does it on busy ones."""
    said: list[str] = []
    for _ in range(TRIES):
        with live_guest("6.1", smp=4) as guest:
            guest.check(f"echo hvc0 > {PARAMETER} && echo 0 > /proc/ten_functions")
            with stopped(guest, guest.machine.folder / "console", said, enter_kgdb=True):
                pass
            told = [one for one in said if IT_DIES in one]
            if told:
                assert re.match(r"KGDB stopped CPUs? [0-3, ]+ in the first instructions", told[0])
                console_says(guest, "Oops: Unrecoverable System Reset")
                return
            assert guest.check("echo alive") == "alive\n"
    pytest.fail("all CPUs were stopped elsewhere")
