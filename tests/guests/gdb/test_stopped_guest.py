# SPDX-License-Identifier: GPL-2.0-or-later
"""GDB on QEMU's stub: what the guest does then is its own word."""

import itertools
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.cli import klp_debug_run
from tests.support.gdb_process import gdb_prompt, gdb_run, klp_into
from tests.support.gdb_target import stub
from tests.support.live_guests import REPLACEMENTS, live_guest, running, ten
from tests.support.tier import by_tier
from vmcores.guest.guest import Guest

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("each_gdb")]

TRIES = 30
UNCHANGING = by_tier(
    # All commands are compared on a dump: test_four_ways.py.
    covering=["func ten_function_3", "arm ten_patch --dry-run"],
    full=[
        *("list", "func ten_function_3", "site ten_function_3", "ops", "audit --sites"),
        *("transition", "report", "bt 2", "arm ten_patch --dry-run", "undo --dry-run", "status"),
        "journal",
    ],
)
"""What has the same answer in one stop of a guest and in the next."""


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


def attach(guest: Guest) -> list[str]:
    return stub(guest.image.vmlinux, guest.gdb_socket)


def test_the_answers_are_the_shells(guest: Guest, tmp_path: Path) -> None:
    """All in one GDB; a shell's command starts its own."""
    files = [tmp_path / str(number) for number in range(len(UNCHANGING))]
    told = [klp_into(file, f"klp {line}") for file, line in zip(files, UNCHANGING, strict=True)]
    gdb_run(*attach(guest), *itertools.chain.from_iterable(told), "detach")
    words = ("--gdb", guest.gdb_socket, "-s", guest.image.vmlinux)
    for line, file in zip(UNCHANGING, files, strict=True):
        shell = klp_debug_run(*line.split(), *words)
        assert shell.out
        assert file.read_text() == shell.out


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


def test_a_cpu_in_user_mode(guest: Guest) -> None:
    """There GDB itself reads no kernel memory."""
    looks = "thread 1", "output/x $msr & 0x4000", "p linux_banner", "klp list"
    pids = guest.check("for i in 1 2; do (while :; do :; done) & echo $!; done").split()
    try:
        for _ in range(TRIES):
            ran = gdb_run(*attach(guest), *looks, "detach")
            said = ran.out + ran.err
            assert "1 patch, 10 functions" in said
            if "0x4000" in said:
                assert "Cannot access memory" in said
                return
        raise AssertionError("never in user mode")
    finally:
        guest.check(f"kill {' '.join(pids)}")
