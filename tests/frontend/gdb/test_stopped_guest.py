# SPDX-License-Identifier: GPL-2.0-or-later
"""GDB on QEMU's stub: what the guest does then is its own word."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.command.klp_debug_cli import klp_debug_run
from tests.control.guests import ORIGINALS, REPLACEMENTS, live_guest, running, ten
from tests.frontend.gdb.gdb_process import gdb_prompt, gdb_run, klp_into
from vmcores.guest import Guest

pytestmark = pytest.mark.lab

TRIES = 30


@pytest.fixture(scope="module")
def guest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guest]:
    with pytest.MonkeyPatch.context() as here:
        # Where journals are.
        here.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        with live_guest("6.1") as guest:
            yield guest


@pytest.fixture(autouse=True)
def _as_it_was(guest: Guest) -> Iterator[None]:
    yield
    assert running(guest)
    assert ten(guest) == REPLACEMENTS


def attach(guest: Guest) -> tuple[str, str]:
    return f"file {guest.image.vmlinux}", f"target remote {guest.gdb_socket}"


def klp(guest: Guest, *lines: str) -> str:
    """Return what a fresh GDB prints of the lines; again, while it is not safe to write."""
    for _ in range(TRIES):
        ran = gdb_run(*attach(guest), *lines, "detach")
        if "not safe now" not in ran.out:
            return ran.out + ran.err
    raise AssertionError(ran)


@pytest.mark.parametrize("line", ["list", "func ten_function_3", "ops", "transition", "audit"])
def test_the_answer_is_the_shells(guest: Guest, line: str, tmp_path: Path) -> None:
    gdb_run(*attach(guest), *klp_into(tmp_path / "out", f"klp {line}"), "detach")
    words = ("--gdb", guest.gdb_socket, "-s", guest.image.vmlinux)
    shell = klp_debug_run(*line.split(), *words)
    told = (tmp_path / "out").read_text() if (tmp_path / "out").exists() else ""
    assert told == shell.out


def test_disarm_status_undo(guest: Guest) -> None:
    assert "ten_patch: disarmed, 10 functions" in klp(guest, "klp disarm ten_patch --yes")
    assert running(guest)
    assert ten(guest) == ORIGINALS
    assert "10 functions held disarmed" in klp(guest, "klp status")
    assert "taken back, 10 functions" in klp(guest, "klp undo --yes")


def test_nobody_is_there_to_be_asked(guest: Guest) -> None:
    said = klp(guest, "set confirm on", "klp disarm ten_patch")
    assert "nobody can be asked here whether to write: say --yes, or --dry-run" in said
    assert ten(guest) == REPLACEMENTS
    # `gdb -batch` turns it off.
    assert "say --yes" in klp(guest, "set confirm off", "klp disarm ten_patch")
    assert ten(guest) == REPLACEMENTS


def test_it_asks_as_gdb_does_and_never_repeats(guest: Guest) -> None:
    for _ in range(TRIES):
        with gdb_prompt(*attach(guest)) as gdb:
            gdb.child.sendline("klp disarm ten_patch --function ten_function_0")
            if gdb.child.expect_exact(["(y or n) ", "not safe now"]):
                gdb("detach")
                continue
            gdb.child.sendline("perhaps")
            gdb.child.expect_exact("Please answer y or n.")
            gdb.child.expect_exact("(y or n) ")
            gdb.child.sendline("n")
            assert "Nothing was written" in gdb.answer()
            gdb.child.sendline("klp disarm ten_patch --function ten_function_0")
            gdb.child.expect_exact("(y or n) ")
            gdb.child.sendline("y")
            assert "disarmed, 1 function" in gdb.answer()
            assert gdb("") == ""
            assert "1 function held disarmed" in gdb("klp status")
            assert "1 function held disarmed" in gdb("")  # what only reads is repeated
            assert "taken back" in gdb("klp undo --yes")
            assert gdb("") == ""
            gdb("detach")
            return
    raise AssertionError("never safe")


def test_what_was_read_is_dropped_when_the_target_runs(guest: Guest) -> None:
    """A patch is disabled behind GDB's back, between two answers of one GDB."""
    with gdb_prompt(*attach(guest)) as gdb:
        assert "1 patch, 10 functions" in gdb("klp list")
        gdb("detach")
        guest.check("disable-patch ten_patch")
        gdb(attach(guest)[1])
        said = gdb("klp list")
        gdb("detach")
    guest.check("rmmod ten_patch; insmod /share/live/ten_patch.ko")
    guest.check("while [ $(cat /sys/kernel/livepatch/ten_patch/transition) = 1 ]; do sleep 1; done")
    assert "1 patch" not in said


def test_a_write_of_the_users_is_seen(guest: Guest) -> None:
    """GDB writes where it reads by virtual address; the next answer has it."""
    with gdb_prompt(*attach(guest)) as gdb:
        assert json.loads(gdb("klp ops --json"))["ftrace_enabled"] is True
        gdb("set var ftrace_enabled = 0")
        try:
            assert json.loads(gdb("klp ops --json"))["ftrace_enabled"] is False
        finally:
            gdb("set var ftrace_enabled = 1")
            gdb("detach")


def test_the_addressing_is_gdbs_again(guest: Guest) -> None:
    said = klp(guest, "klp list", "klp func nosuch", "maint packet qqemu.PhyMemMode")
    assert 'received: "0"' in said


def test_a_cpu_in_user_mode(guest: Guest) -> None:
    """There GDB itself reads no kernel memory."""
    pids = guest.check("for i in 1 2; do (while :; do :; done) & echo $!; done").split()
    try:
        for _ in range(TRIES):
            said = klp(guest, "thread 1", "output/x $msr & 0x4000", "p linux_banner", "klp list")
            assert "1 patch, 10 functions" in said
            if "0x4000" in said:
                assert "Cannot access memory" in said
                return
        raise AssertionError("never in user mode")
    finally:
        guest.check(f"kill {' '.join(pids)}")


def test_the_users_thread_stays_selected(guest: Guest) -> None:
    said = klp(guest, "thread 2", "klp bt cpu0", "thread")
    assert "[Current thread is 2 " in said


def test_functions_for_expressions(guest: Guest) -> None:
    said = klp(
        guest,
        'output/x $klp_site("ten_function_0")',
        "echo \\n",
        'output/x $klp_new_func("ten_function_0")',
        "echo \\n",
        'p $klp_new_func("vfs_read")',
        "p $klp_site()",
    )
    site, new_func = (int(line, 16) for line in said.splitlines() if line.startswith("0xc"))
    kallsyms = guest.check("grep ten_function_0 /proc/kallsyms").splitlines()
    address = {name: int(place, 16) for place, _, name, *_ in map(str.split, kallsyms)}
    assert new_func == address["patched_ten_function_0"]
    assert 0 < site - address["ten_function_0"] <= 16
    assert "vfs_read itself: no live patch replaces it" in said
    assert "$klp_site takes a function's name" in said


def test_completion(guest: Guest) -> None:
    said = klp(
        guest,
        "complete klp func ten_function_1",
        "complete klp disarm ten",
        "complete klp disarm ten_patch --fun",
        "complete klp site ten_functions:ten_function_4",
        "complete klp trans",
    )
    lines = [line for line in said.splitlines() if line.startswith("klp ")]
    assert lines == [
        "klp func ten_function_1",
        "klp disarm ten_patch",
        "klp disarm ten_patch --function",
        "klp site ten_functions:ten_function_4",
        "klp transition",
    ]


def test_settings(guest: Guest) -> None:
    said = klp(guest, "show klp format", "set klp format json", "klp list", "show klp symbols")
    assert "The form of the klp commands' answers is text." in said
    assert '"name": "ten_patch"' in said
    assert "No such place is set." in said


def test_a_page_at_a_time(guest: Guest) -> None:
    with gdb_prompt(*attach(guest), "set height 8") as gdb:
        gdb.child.sendline("klp list")
        gdb.child.expect_exact("--Type <RET> for more, q to quit, c to continue without paging--")
        gdb.child.sendline("q")
        gdb.answer()
        gdb.child.sendline("detach")
        gdb.answer()
