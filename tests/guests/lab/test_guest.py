# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest does what it is told, and really ends."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.processes import alive, ends
from vmcores.bootstrap import PROJECT
from vmcores.build.image import image
from vmcores.errors import GuestError
from vmcores.guest import qmp
from vmcores.guest.guest import Guest
from vmcores.guest.machine import Hardware, Machine
from vmcores.guest.saved_guest import booted_guest

pytestmark = pytest.mark.lab

# Starts a machine that waits in front of its first instruction, tells its pid, and waits.
CHILD = """
import signal, sys, time
from pathlib import Path
from vmcores.guest.machine import Hardware, Machine
# A shell starts what runs in its background with SIGINT ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
with Machine(Hardware("POWER9"), Path(sys.argv[1]), Path(sys.argv[2]), "") as machine:
    machine.connect(machine.agent_socket).close()
    print(machine.pid, machine.folder, flush=True)
    time.sleep(600)
"""


def test_commands() -> None:
    with booted_guest(image("6.1")) as guest:
        assert guest.run("echo one; echo two >&2; exit 3").output == "one\ntwo\n"
        assert guest.run("exit 3").status == 3
        assert guest.run("echo 'a b'; printf 'no newline'").output == "a b\nno newline"
        assert guest.run("if then").status == 2  # a syntax error ends that shell only
        assert guest.run("cd /sys; X=1").status == 0
        assert guest.check("pwd; echo $X") == "/\n\n"
        assert len(guest.check("seq 20000").splitlines()) == 20000
        assert b"_stext" in guest.read("/proc/kallsyms")
        with pytest.raises(GuestError, match=r"'false' ended with status 1"):
            guest.check("false")
        with pytest.raises(GuestError, match="no-such-file"):
            guest.read("/no-such-file")
        status = qmp.execute(guest.qmp_socket, "query-status")
        assert isinstance(status, dict)
        assert status["running"]
        with pytest.raises(GuestError, match="waited 1 s in vain"):
            guest.run("sleep 100", timeout=1)
        folder, pid = guest.machine.folder, guest.pid
    assert not alive(pid)
    assert not folder.exists()


def test_ends_when_a_test_fails_and_tells_of_the_console() -> None:
    guest = booted_guest(image("6.1"))
    with pytest.raises(ZeroDivisionError) as caught, guest:
        guest.check("echo what it said last > /dev/console")
        raise ZeroDivisionError
    assert not alive(guest.pid)
    assert not guest.machine.folder.exists()
    log = Path(caught.value.__notes__[0].rsplit(" ", 1)[1])
    assert "what it said last" in log.read_text()


def test_death_of_the_guest_is_told() -> None:
    with booted_guest(image("6.1")) as guest, pytest.raises(GuestError, match="the guest died"):
        guest.run("poweroff -f; sleep 60")


@pytest.mark.full  # the captures of the covering set are of crashes on either CPU
@pytest.mark.parametrize("mmu", ["radix", "hash"])
def test_crash_on_another_cpu_than_the_first(mmu: str) -> None:
    # Each MMU comes with an interrupt controller of its own: XIVE, XICS.
    with Guest(image("7.2"), mmu) as guest:
        files = guest.crash(last="taskset -p 2 $$ > /dev/null")
        assert "CPU: 1 " in guest.machine.console_log.read_text()
        assert files["kdump"].stat().st_size


def test_unknown_mmu() -> None:
    with pytest.raises(GuestError, match="runs with MMU radix or hash, not 'mpu'"):
        Guest(image("6.1"), "mpu")


def test_qemu_that_does_not_start(tmp_path: Path) -> None:
    machine = Machine(Hardware("POWER9"), tmp_path / "none", tmp_path / "none", "")
    with machine:
        # Its sockets are there before it looks for the kernel.
        machine.wait(10)
        with pytest.raises(GuestError, match=r"QEMU did not start: .*none"):
            machine.connect(machine.agent_socket)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_ends_with_the_process_that_started_it(number: signal.Signals) -> None:
    booted = image("6.1")
    files = (booted.kernel.stripped, booted.initramfs)
    command = [sys.executable, "-c", CHILD, *map(str, files)]
    with subprocess.Popen(
        command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as child:
        assert child.stdout is not None
        pid = int(child.stdout.readline().split()[0])
        assert alive(pid)
        child.send_signal(number)
        child.wait(30)
    assert ends(pid)
