# SPDX-License-Identifier: GPL-2.0-or-later
"""QEMU's stub, with each of its traps, against QEMU's monitor and the guest's own word."""

import gc
import os
import re
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from drgn import FaultError

from klp_debug.analysis.patches.list import livepatches
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.errors import TargetError, WriteRefusedError
from klp_debug.targets.gdb.address import StubAddress
from klp_debug.targets.gdb.process import GDB, Gdb, GdbEndedError, GdbTimeoutError
from klp_debug.targets.gdb.session import NotStoppedError
from klp_debug.targets.gdb.stub import DebugStub, Traffic
from klp_debug.targets.registers import MSR_PR, cpu_registers
from tests.conftest import Played
from tests.support.cli import klp_debug_run
from tests.support.gdb_process import gdb_pid
from tests.support.guest_activity import becomes, monitor, runs, stopped
from tests.support.other_stub import OtherStub
from tests.support.program_stub import program_stub
from tests.support.relay import Relay
from tests.support.sure import whole
from tests.support.tier import by_tier, cases
from vmcores.guest import debugger
from vmcores.guest.guest import Guest
from vmcores.oracle.oracle import Oracle

pytestmark = pytest.mark.lab

Subject = tuple[Guest, Oracle]
FUNCTION = "meminfo_proc_show"


@pytest.fixture
def guest(played: Played) -> Iterator[Guest]:
    """A guest that runs, and runs again after the test."""
    guest, _ = played("patched", "radix", "6.1")
    assert runs(guest)
    yield guest
    assert runs(guest)
    assert guest.check("echo alive") == "alive\n"


@contextmanager
def busy(guest: Guest) -> Iterator[None]:
    """Keep all CPUs in user mode."""
    pids = guest.check(
        "for cpu in 0 1; do taskset $((1 << cpu)) sh -c 'while :; do :; done' >/dev/null 2>&1 &"
        " echo $!; done"
    ).split()
    try:
        yield
    finally:
        guest.check(f"kill {' '.join(pids)}")


@pytest.mark.parametrize(
    ("kernel", "mmu", "with_qemu"),
    by_tier(
        covering=[("6.1", "hash", False), ("7.2", "radix", False), ("6.1", "radix", True)],
        full=[
            (kernel, mmu, with_qemu)
            for kernel, mmu in cases("patched")
            for with_qemu in (False, True)
        ],
    ),
)
def test_patches_are_those_that_the_guest_names(
    played: Played, kernel: str, mmu: str, with_qemu: bool
) -> None:
    guest, oracle = played("patched", mmu, kernel)
    qemu = str(guest.qmp_socket) if with_qemu else None
    with stopped(guest, qemu=qemu) as target:
        assert not runs(guest)
        assert target.mmu == mmu
        view = KernelView(target)
        patches = livepatches(view)
        replacements = {
            function.old_name: (int(function.old_func or 0), int(function.new_func or 0))
            for patch in whole(patches)
            for klp_object in whole(patch.objects)
            for function in whole(klp_object.functions)
        }
        assert view.problems.all() == ()
        # What goes by the stub then is no more than what tells that both are of one guest.
        assert target.debugger is not None
        assert (target.debugger.traffic.bytes_read < 10_000) is with_qemu
    assert runs(guest)
    assert {patch.name for patch in whole(patches)} == {patch.name for patch in oracle.patches}
    old, _ = replacements["int_to_scsilun"]
    assert old == oracle.address("int_to_scsilun", "scsi_common")


def test_a_cpu_in_user_mode_hides_nothing(guest: Guest) -> None:
    with busy(guest):
        for _ in range(20):
            with stopped(guest) as target:
                assert target.debugger is not None
                assert len(livepatches(KernelView(target))) == 4
                # The first is the one that the stub reads by, if nobody chooses another.
                if target.debugger.registers()[0].msr & MSR_PR:
                    return
            time.sleep(0.2)
    raise AssertionError("no stop found the first CPU in user mode")


def test_registers_of_all_cpus_are_those_of_the_monitor(guest: Guest) -> None:
    with stopped(guest) as target:
        told = cpu_registers(target)
        text = monitor(guest, "info registers -a")
    assert told.problems == ()
    assert [registers.cpu for registers in told.cpus] == [0, 1]
    for registers, part in zip(told.cpus, text.split("\r\nCPU#")[1:], strict=True):
        words = dict(re.findall(r"\b(NIP|LR|CTR|XER|MSR|CR) +([0-9a-f]{8,16})\b", part))
        gprs = [
            int(word, 16)
            for line in re.findall(r"GPR\d\d((?: [0-9a-f]{16})+)", part)
            for word in line.split()
        ]
        assert list(map(int, registers.gpr)) == gprs
        assert int(registers.nip) == int(words["NIP"], 16)
        assert int(registers.link) == int(words["LR"], 16)
        assert int(registers.ctr) == int(words["CTR"], 16)
        assert int(registers.msr) == int(words["MSR"], 16)
        assert int(registers.ccr) == int(words["CR"], 16)


def test_qemu_tells_of_its_registers_before_it_is_asked_for_them(
    guest: Guest, tmp_path: Path
) -> None:
    """QEMU 7.2 aborts when registers are asked for before its target description."""
    with Relay(tmp_path / "stub", guest.gdb_socket) as relay:
        with stopped(guest, relay.place):
            pass
        packets = relay.packets
    described = packets.index(b"qXfer:features:read:target.xml:0,ffb")
    assert described < packets.index(b"g")


def test_round_trips_are_those_on_the_wire(guest: Guest, tmp_path: Path) -> None:
    with Relay(tmp_path / "stub", guest.gdb_socket) as relay:
        with stopped(guest, relay.place) as target:
            debugger_ = target.debugger
            assert debugger_ is not None
            before, counted = len(relay.packets), debugger_.traffic.round_trips
            for address, size in ((0, 8), (0x10000, 5000), (0x20000, 1 << 20)):
                debugger_.read_now(address, size)
            trips = debugger_.traffic.round_trips - counted
            seen = len(relay.packets) - before
    assert abs(trips - seen) <= 3, (trips, seen)


def test_outside_of_ram_there_are_no_zeros(guest: Guest) -> None:
    with stopped(guest) as target:
        for address in (1 << 29, (1 << 29) - 4, 1 << 40):
            with pytest.raises(FaultError):
                target.prog.read(address, 8, True)
        assert target.prog.read((1 << 29) - 8, 8, True) is not None
        with pytest.raises(FaultError):
            target.prog.read(0xC000000000000000 + (1 << 29), 8)


def test_a_reply_that_comes_late_is_no_reply_to_the_next_command() -> None:
    gdb = Gdb(GDB)
    try:
        for _ in range(20):
            with pytest.raises(GdbTimeoutError):
                gdb.console("python import time; time.sleep(0.05); print('late')", 0.01)
            assert gdb.console("python print('in time')", 10) == "in time\n"
    finally:
        gdb.close()


def test_commands_do_not_wait_for_silence() -> None:
    """pygdbmi's own write() takes 0.2 s for each."""
    gdb = Gdb(GDB)
    try:
        start = time.monotonic()
        for number in range(200):
            assert gdb.console(f"python print({number})", 10) == f"{number}\n"
        assert time.monotonic() - start < 20
    finally:
        gdb.close()


def test_who_asks_for_the_time_takes_no_reply() -> None:
    gdb = Gdb(GDB)
    over = threading.Event()

    def watch() -> None:
        while not over.is_set():
            assert not gdb.released

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        for number in range(500):
            assert gdb.console(f"python print({number})", 10) == f"{number}\n"
    finally:
        over.set()
        watcher.join()
        gdb.close()


def test_the_end_of_gdb_is_seen_at_once() -> None:
    gdb = Gdb(GDB)
    gdb.command("-gdb-version", 10)
    os.kill(gdb.pid, signal.SIGKILL)
    start = time.monotonic()
    with pytest.raises(GdbEndedError):
        for _ in range(2):  # the first may have been written before it was dead
            gdb.command("-gdb-version", 30)
    assert time.monotonic() - start < 5
    gdb.close()


def test_no_gdb() -> None:
    with pytest.raises(TargetError, match="install gdb-multiarch"):
        Gdb("/no/such/gdb")
    with pytest.raises(TargetError, match="no GDB"):
        Gdb("/bin/cat")


def test_writes_reach_the_kernel(guest: Guest) -> None:
    """Data by the linear map, and module data by the page table; each read back past the cache."""
    before = int(guest.check("cat /proc/sys/kernel/panic"))
    with stopped(guest) as target:
        memory = target.writable
        assert memory is not None
        assert memory.kind == "QEMU"
        place = target.prog["panic_timeout"].address_
        assert place is not None
        assert target.prog.read(place, 4) == before.to_bytes(4, "little")
        memory.write(place, (77).to_bytes(4, "little"))
        assert memory.read(place, 4) == target.prog.read(place, 4) == (77).to_bytes(4, "little")
    assert guest.check("cat /proc/sys/kernel/panic") == "77\n"
    guest.check(f"echo {before} > /proc/sys/kernel/panic")


def test_text_of_a_module_takes_effect(played: Played, guest: Guest) -> None:
    """The replacement answers by `li r3, ...; blr` for a while."""
    _, oracle = played("patched", "radix", "6.1")
    armed = guest.check("grep int_to_scsilun /proc/leaf_probe")
    site = oracle.address("int_to_scsilun", "scsi_common") + 4
    with stopped(guest) as target:
        assert target.writable is not None
        word = target.writable.read(site, 4)
        target.writable.write(site, (0x60000000).to_bytes(4, "little"))
    assert guest.check("grep int_to_scsilun /proc/leaf_probe") != armed
    with stopped(guest) as target:
        assert target.writable is not None
        assert target.prog.read(site, 4) == (0x60000000).to_bytes(4, "little")
        target.writable.write(site, word)
    assert guest.check("grep int_to_scsilun /proc/leaf_probe") == armed


def test_what_is_not_mapped_takes_no_write(guest: Guest) -> None:
    with stopped(guest) as target:
        assert target.writable is not None
        for address in (0, 0xC00A000000000000, 0xC000000000000000 + (1 << 40)):
            with pytest.raises(WriteRefusedError, match=f"{address:#x}"):
                target.writable.write(address, b"\0" * 8)


@pytest.mark.full  # as a user meets it: test_gdb_target.py
def test_gdb_killed_and_the_guest_runs_again(guest: Guest) -> None:
    with pytest.raises(GdbEndedError), stopped(guest) as target:
        assert target.debugger is not None
        os.kill(gdb_pid(target.debugger), signal.SIGKILL)
        target.prog.read(0x400000, 1 << 20, True)


def test_socket_cut_and_the_guest_runs_again_by_qmp(guest: Guest, tmp_path: Path) -> None:
    said: list[str] = []
    with Relay(tmp_path / "stub", guest.gdb_socket) as relay:
        with (
            pytest.raises(TargetError, match="is lost"),
            stopped(guest, relay.place, said, qemu=str(guest.qmp_socket)) as target,
        ):
            relay.cut()
            assert target.writable is not None
            target.writable.read(0xC000000000000000, 8)
    assert "runs again by QMP" in said[0]


def test_socket_cut_and_no_way_back(guest: Guest, tmp_path: Path) -> None:
    with Relay(tmp_path / "stub", guest.gdb_socket) as relay:
        with (
            pytest.raises(TargetError, match="the target stays stopped"),
            stopped(guest, relay.place),
        ):
            relay.cut()
    assert not runs(guest)
    with stopped(guest):
        pass


def test_left_stopped_and_with_virtual_memory_for_the_next_debugger(guest: Guest) -> None:
    said: list[str] = []
    with stopped(guest, None, said, leave_stopped=True) as target:
        banner = target.prog["linux_banner"].address_
        assert banner is not None
    assert not runs(guest)
    assert "stays stopped (--leave-stopped)" in said[0]
    assert debugger.read(guest.gdb_socket, banner, 13) == b"Linux version"
    becomes(guest, running=True)


@pytest.mark.full  # as a user meets it: test_gdb_target.py
def test_time_is_up(guest: Guest) -> None:
    said: list[str] = []
    with pytest.raises(NotStoppedError, match="resumed after 6 s"):
        with stopped(guest, None, said, max_pause=6.0) as target:
            assert not runs(guest)
            becomes(guest, running=True)
            target.prog.read(0x400000, 1 << 16, True)
    assert said == ["the target was resumed after 6 s (--max-pause)"]


@pytest.mark.full  # as a user meets it: test_gdb_target.py
def test_two_debuggers_at_once(guest: Guest) -> None:
    with stopped(guest):
        with pytest.raises(TargetError, match="has a debugger connected already"):
            with stopped(guest):
                pass
        assert not runs(guest)
    assert runs(guest)


@pytest.mark.full  # it boots another guest
@pytest.mark.parametrize("left_stopped", [False, True])
def test_the_stub_of_one_guest_and_the_qmp_of_another(guest: Guest, left_stopped: bool) -> None:
    """Also if both are stopped, and of one kernel; the one that was running runs on."""
    with Guest(guest.image) as other:
        if left_stopped:
            with stopped(other, leave_stopped=True):
                pass
        for stub, qmp in ((guest, other), (other, guest)):
            with (
                pytest.raises(TargetError, match="--qemu and --gdb name different guests"),
                stopped(stub, qemu=str(qmp.qmp_socket)),
            ):
                pass
            gc.collect()  # drgn keeps the QMP socket as long as there is a program
            assert runs(guest)
        assert other.check("echo alive") == "alive\n"  # its stub was attached to, and left


@pytest.mark.full  # it waits for as long as the tool does
def test_a_stub_that_does_not_answer(tmp_path: Path) -> None:
    place = tmp_path / "silent"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(place))
        listener.listen()
        gdb = Gdb(GDB)
        try:
            start = time.monotonic()
            with pytest.raises(TargetError, match="does not answer"):
                DebugStub(gdb, StubAddress.parse(str(place)), Traffic())
            assert time.monotonic() - start < 30
        finally:
            gdb.close()


def test_another_architecture_runs_again(tmp_path: Path) -> None:
    """Its registers do not fit, so that GDB by itself would drop the connection."""
    place = tmp_path / "stub"
    with OtherStub(place) as other:
        gdb = Gdb(GDB)
        try:
            with pytest.raises(TargetError, match=r"another architecture \(i386:x86-64\)"):
                DebugStub(gdb, StubAddress.parse(str(place)), Traffic())
        finally:
            gdb.close()
        assert other.detached


def test_a_program_without_a_kernel(guest: Guest, tmp_path: Path) -> None:
    with program_stub(tmp_path / "stub"):
        ran = klp_debug_run("list", "--gdb", tmp_path / "stub", "-s", guest.image.vmlinux)
    assert (ran.status, ran.out) == (2, "")
    assert ran.err == (
        f"klp-debug: {tmp_path}/stub is neither KGDB nor the stub of a whole machine in QEMU 4.1 or"
        " later\n"
    )
