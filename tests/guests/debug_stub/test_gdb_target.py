# SPDX-License-Identifier: GPL-2.0-or-later
"""However a command on a stopped guest ends, the guest runs again, and the user is told."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pexpect
import pytest

from tests.conftest import Played
from tests.support.cli import Ran, klp_debug_run, refusal
from tests.support.guest_activity import becomes, runs, stopped
from tests.support.relay import Relay
from tests.support.tier import by_tier
from vmcores.build.image import image
from vmcores.build.recipe import load_recipe
from vmcores.guest.guest import Guest
from vmcores.guest.machine import PSERIES
from vmcores.guest.saved_guest import booted_guest

pytestmark = pytest.mark.lab

ATTACHED = 100
"""After so many packets GDB has attached, and the guest's memory is being read."""
SECONDS = 60


@pytest.fixture
def guest(played: Played) -> Iterator[Guest]:
    """A guest that runs, and runs again after the test."""
    guest, _ = played("patched", "radix", "6.1")
    assert runs(guest)
    yield guest
    becomes(guest, running=True)
    assert guest.check("echo alive") == "alive\n"


def words(guest: Guest, command: str, *more: str, stub: Path | None = None) -> list[str]:
    target = ["--gdb", str(stub or guest.gdb_socket), "-s", str(guest.image.vmlinux)]
    return [sys.executable, "-m", "klp_debug", command, *target, *more]


def test_how_long_it_is_stopped_is_shown(guest: Guest) -> None:
    """At a terminal, and at once: the target waits with the user."""
    program, *arguments = words(guest, "audit")
    child = pexpect.spawn(
        program,
        arguments,
        env=os.environ | {"TERM": "xterm"},
        encoding="utf-8",
        timeout=60,
        dimensions=(24, 200),
    )
    try:
        child.expect(r"audit 0:00:0\d target stopped for \d+ s")
        assert not runs(guest)
        child.expect_exact("the target runs again")
    finally:
        child.close(force=True)


class Running:
    """klp-debug in the middle of reading a stopped guest."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process

    def end(self) -> Ran:
        out, err = self.process.communicate(timeout=60)
        return Ran(self.process.returncode, out, err)

    def gdb(self) -> int:
        """Return the process id of its GDB."""
        pid = self.process.pid
        return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])


@contextmanager
def reading(guest: Guest, *more: str, packets: int = ATTACHED) -> Iterator[Running]:
    """
    Run a command that reads much, until it has stopped the guest and is in the middle of it.

    :param packets: how many GDB has sent by then; those behind it take a while each
    """
    with (
        tempfile.TemporaryDirectory() as folder,
        Relay(Path(folder, "stub"), guest.gdb_socket, slow_after=packets) as relay,
        subprocess.Popen(
            words(guest, "report", *more, stub=relay.place),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # A shell starts what runs in its background with SIGINT ignored.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        ) as process,
    ):
        try:
            end = time.monotonic() + SECONDS
            while relay.count < packets:
                assert process.poll() is None
                assert time.monotonic() < end
                time.sleep(0.005)
            assert not runs(guest)
            yield Running(process)
        finally:
            process.kill()


def test_a_command_that_ends_well(guest: Guest) -> None:
    target = ("--gdb", guest.gdb_socket, "-s", guest.image.vmlinux)
    ran = klp_debug_run("list", *target, "--verbose")
    assert ran.status == 0
    first, second = ran.err.splitlines()
    assert first.startswith("klp-debug: the target runs again; it was stopped for ")
    assert "round trips to the stub, " in second
    assert "bytes read, 0 written" in second
    assert runs(guest)
    live = klp_debug_run("list", "--qemu", guest.qmp_socket, *target[2:])
    assert ran.out.splitlines()[2:] == live.out.splitlines()[2:]


def test_left_stopped_then_attached_again(guest: Guest) -> None:
    target = ("--gdb", guest.gdb_socket, "-s", guest.image.vmlinux)
    ran = klp_debug_run("list", *target, "--leave-stopped")
    assert ran.status == 0
    assert "the target stays stopped (--leave-stopped)" in ran.err
    assert not runs(guest)
    assert klp_debug_run("list", *target).out == ran.out


@pytest.mark.parametrize(
    ("number", "status"),
    by_tier(
        covering=[(signal.SIGTERM, 143), (signal.SIGINT, 130)],
        full=[(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129)],
    ),
)
def test_ended_by_a_signal(guest: Guest, number: signal.Signals, status: int) -> None:
    with reading(guest) as running:
        running.process.send_signal(number)
        ran = running.end()
    assert (ran.status, ran.out) == (status, "")
    assert ran.err.startswith("klp-debug: the target runs again")
    assert runs(guest)


def test_killed(guest: Guest) -> None:
    """GDB lives longer than we do, and lets the guest run."""
    with reading(guest) as running:
        running.process.kill()
        running.end()
        becomes(guest, running=True)


def test_stopped_itself_while_the_guest_must_not_be_for_long(guest: Guest) -> None:
    """The time limit holds even where klp-debug does nothing any more."""
    with reading(guest, "--max-pause", "3") as running:
        running.process.send_signal(signal.SIGSTOP)
        becomes(guest, running=True)
        running.process.send_signal(signal.SIGCONT)
        ran = running.end()
    assert ran.status == 2
    assert ran.out == ""
    told, why = ran.err.splitlines()
    assert told == "klp-debug: the target was resumed after 3 s (--max-pause)"
    assert why.startswith("klp-debug: the target was resumed after 3 s (--max-pause) while")


def test_gdb_killed(guest: Guest) -> None:
    with reading(guest) as running:
        os.kill(running.gdb(), signal.SIGKILL)
        ran = running.end()
    assert (ran.status, ran.out) == (2, "")
    told, why = ran.err.splitlines()
    assert told.startswith("klp-debug: the target runs again by another GDB (GDB has ended")
    assert why == "klp-debug: GDB has ended unexpectedly"
    assert runs(guest)


def test_another_debugger_is_there(guest: Guest) -> None:
    target = ("--gdb", guest.gdb_socket, "-s", guest.image.vmlinux)
    with stopped(guest):
        assert "has a debugger connected already" in refusal("list", *target)
        assert not runs(guest)
    assert runs(guest)


def test_a_vmlinux_of_another_build(guest: Guest) -> None:
    vmlinux = image("7.2").vmlinux
    ran = klp_debug_run("list", "--gdb", guest.gdb_socket, "-s", vmlinux)
    assert (ran.status, ran.out) == (2, "")
    told, why = ran.err.splitlines()
    assert told.startswith("klp-debug: the target runs again")
    assert why.startswith(f"klp-debug: {vmlinux} is of another build: its build id is ")


def test_no_vmlinux(guest: Guest) -> None:
    """The guest is not even stopped for that."""
    assert "name its vmlinux" in refusal("list", "--gdb", guest.gdb_socket)


def test_nothing_listens(guest: Guest, tmp_path: Path) -> None:
    vmlinux = guest.image.vmlinux
    assert "No such file" in refusal("list", "--gdb", tmp_path / "none", "-s", vmlinux)
    assert "nothing listens at localhost:1" in refusal(
        "list", "--gdb", "localhost:1", "-s", vmlinux
    )


def test_options_that_need_a_stub(guest: Guest) -> None:
    sentence = refusal("list", "--qemu", guest.qmp_socket, "--leave-stopped")
    assert "are for --gdb only" in sentence
    assert klp_debug_run("list", "--gdb", guest.gdb_socket, "--max-pause", "0").status == 2


def test_qemu_killed() -> None:
    recipe = load_recipe("6.1")
    assert recipe.cpus
    with booted_guest(image("6.1")) as guest, reading(guest) as running:
        os.kill(guest.pid, signal.SIGKILL)
        ran = running.end()
    assert (ran.status, ran.out) == (2, "")
    assert "is lost" in ran.err
    assert "stays stopped, if it is still there" in ran.err


def test_a_stub_of_another_architecture(tmp_path: Path) -> None:
    stub = tmp_path / "stub"
    machine = ["-M", "g3beige", "-nodefaults", "-display", "none", "-S"]
    command = ["qemu-system-ppc", *machine, "-gdb", f"unix:{stub},server=on,wait=off"]
    with _qemu(command, stub):
        sentence = refusal("list", "--gdb", stub, "-s", image("6.1").vmlinux)
    assert f"{stub} is a stub of another architecture (powerpc:common)" in sentence


def test_a_guest_without_linux(tmp_path: Path) -> None:
    """SLOF has not even begun, and registers are big-endian then."""
    stub = tmp_path / "stub"
    machine = ["-M", PSERIES, "-nodefaults", "-display", "none", "-S"]
    command = ["qemu-system-ppc64", *machine, "-gdb", f"unix:{stub},server=on,wait=off"]
    with _qemu(command, stub):
        ran = klp_debug_run("list", "--gdb", stub, "-s", image("6.1").vmlinux)
    assert ran.status == 2
    assert "is of another build" in ran.err


@contextmanager
def _qemu(command: list[str], stub: Path) -> Iterator[None]:
    with subprocess.Popen(command) as process:
        try:
            while not stub.exists():
                assert process.poll() is None
                time.sleep(0.05)
            yield
        finally:
            process.terminate()


def test_gdb_killed_while_it_attaches(guest: Guest) -> None:
    with reading(guest, packets=5) as running:
        os.kill(running.gdb(), signal.SIGKILL)
        ran = running.end()
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith("klp-debug: the target runs again by another GDB (GDB has ended")
    assert runs(guest)
