# SPDX-License-Identifier: GPL-2.0-or-later
"""GDB on a kernel's own KGDB, over its console."""

import re
from collections.abc import Iterator

import pytest

from tests.support.gdb_process import gdb_prompt
from tests.support.gdb_target import klp, stub
from tests.support.guest_activity import console_says
from tests.support.live_guests import ORIGINALS, REPLACEMENTS, live_guest, ten
from tests.support.touched_memory import memory_of
from vmcores.guest.guest import Guest

# GDB on QEMU's stub, and the shell on KGDB, are tried in the covering set.
pytestmark = [pytest.mark.lab, pytest.mark.full, pytest.mark.usefixtures("each_gdb")]

TRIES = 5
LISTEN = "echo hvc0 > /sys/module/kgdboc/parameters/kgdboc"
DISARM = "klp disarm ten_patch --yes"
UNDO = "klp undo --yes"


@pytest.fixture(scope="module")
def guest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guest]:
    with pytest.MonkeyPatch.context() as here, live_guest("6.1") as guest:
        # Where journals are.
        here.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        guest.check(LISTEN)
        yield guest


def in_kgdb(guest: Guest, *lines: str) -> str:
    """Let the kernel enter KGDB, and return what GDB prints of the lines; it detaches then."""
    for _ in range(TRIES):
        guest.agent.send("echo g > /proc/sysrq-trigger")
        target = stub(guest.image.vmlinux, guest.machine.folder / "console")
        with gdb_prompt(*target, terminal="xterm") as gdb:
            said = "".join(map(gdb, (*lines, "detach")))
        assert guest.check("echo alive") == "alive\n"
        if "not safe now" not in said:
            return said
    raise AssertionError(said)


def test_read_disarm_and_undo(guest: Guest) -> None:
    before = memory_of(guest)
    said = in_kgdb(guest, "klp list", f"{DISARM} --by site", DISARM)
    assert "1 patch, 10 functions" in said
    assert re.search(r"\S list 0:00:0[2-9]", said), "what takes long says so"
    assert "answers E14; use ops" in said
    assert "ten_patch: disarmed, 10 functions" in said
    assert ten(guest) == ORIGINALS
    said = in_kgdb(guest, "klp status", UNDO, 'output/x (long)$klp_new_func("ten_function_0")')
    assert "10 functions held disarmed" in said
    assert "taken back, 10 functions" in said
    new_func = guest.check("grep -w patched_ten_function_0 /proc/kallsyms").split()[0]
    assert f"0x{new_func}" in said
    assert ten(guest) == REPLACEMENTS
    assert memory_of(guest) == before


def test_a_kernel_that_cannot_go_on() -> None:
    """KGDB stops busy CPUs where an interrupt has just come; the guest's console tells the end."""
    for _ in range(TRIES):
        with live_guest("6.1", smp=4) as guest:
            guest.check(f"{LISTEN} && echo 0 > /proc/ten_functions")
            guest.agent.send("echo g > /proc/sysrq-trigger")
            target = stub(guest.image.vmlinux, guest.machine.folder / "console")
            ran = klp(target, "klp list", "klp list", "detach")
            assert ran.out.count("1 patch, 10 functions") == 2
            told = ran.err.count("when it runs on, expect 'Unrecoverable System Reset'")
            if told:
                assert told == 1
                console_says(guest, "Oops: Unrecoverable System Reset")
                return
            assert guest.check("echo alive") == "alive\n"
    pytest.fail("all CPUs were stopped elsewhere")
