# SPDX-License-Identifier: GPL-2.0-or-later
"""The console at a terminal and with a script, on a guest that it stops and lets run."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pexpect
import pytest

from tests.command.klp_debug_cli import Ran
from tests.conftest import Captured, Played
from tests.target.gdb.guests import becomes, runs
from vmcores.guest import Guest

pytestmark = pytest.mark.lab

PROMPT = "klp-debug> "
PATCHED = "int_to_scsilun a5a5a5a5a5a5a5a5\n"
ORIGINAL = "int_to_scsilun d2040b0300000000\n"


@pytest.fixture
def guest(played: Played) -> Iterator[Guest]:
    """A guest that runs, with its patches armed, and does so again after the test."""
    guest, _ = played("patched", "radix", "6.1")
    assert runs(guest)
    yield guest
    becomes(guest, running=True)
    assert leaf_says(guest) == PATCHED


def leaf_says(guest: Guest) -> str:
    return guest.check("grep int_to_scsilun /proc/leaf_probe")


def words(guest: Guest, *more: str) -> list[str]:
    return [
        *("-m", "klp_debug", "console", "--gdb", str(guest.gdb_socket)),
        *("-s", str(guest.image.vmlinux), *more),
    ]


def script(guest: Guest, text: str, state: Path, *more: str) -> Ran:
    done = subprocess.run(
        [sys.executable, *words(guest, *more)],
        input=text,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=os.environ | {"XDG_STATE_HOME": str(state)},
    )
    return Ran(done.returncode, done.stdout, done.stderr)


class Terminal:
    """A person at the console."""

    def __init__(self, child: "pexpect.spawn[str]") -> None:
        self.child = child

    def says(self, text: str, timeout: float = 60) -> str:
        """Wait for a text; return what came before it, without the terminal's own codes."""
        self.child.expect_exact(text, timeout=timeout)
        return plain(self.child.before or "")

    def prompt(self) -> str:
        return self.says(PROMPT)

    def line(self, text: str) -> str:
        """Give a line; return what is on the screen up to the next prompt."""
        self.child.send(text + "\r")
        self.says("\n")  # the line's own end
        return self.prompt()


def plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text).replace("\r", "")


@contextmanager
def terminal(guest: Guest, state: Path, *more: str) -> Iterator[Terminal]:
    child = pexpect.spawn(
        sys.executable,
        words(guest, *more),
        encoding="utf-8",
        dimensions=(40, 200),
        timeout=60,
        env=os.environ
        | {"XDG_STATE_HOME": str(state), "TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1"},
    )
    try:
        person = Terminal(child)
        person.prompt()
        yield person
    finally:
        child.close(force=True)


def test_a_script(guest: Guest, tmp_path: Path) -> None:
    text = (
        "# switch the leaf function off and on again\n"
        "list\n\n"
        "disarm leaf_patch --yes\n"
        "wait 1\n"
        "status\n"
        "arm leaf_patch --yes\n"
        "list\n"
    )
    ran = script(guest, text, tmp_path)
    assert ran.status == 1  # status: something is held
    assert ran.out.count("cmdline_patch_2  enabled") >= 2
    assert ran.err.count("the target runs again") == 2
    assert "the target is stopped" in ran.err
    assert leaf_says(guest) == PATCHED


def test_a_script_leaves_what_it_was_told_to_leave(guest: Guest, tmp_path: Path) -> None:
    assert script(guest, "disarm leaf_patch --yes\n", tmp_path).status == 0
    assert leaf_says(guest) == ORIGINAL
    assert script(guest, "undo --yes\n", tmp_path).status == 0
    assert leaf_says(guest) == PATCHED


@pytest.mark.parametrize(
    "bad", ["nosuch", "func nosuch", "disarm nosuch --yes", "disarm leaf_patch"]
)
def test_a_script_ends_at_what_cannot_be_done(guest: Guest, tmp_path: Path, bad: str) -> None:
    """Without --yes, nobody can be asked."""
    ran = script(guest, f"{bad}\ndisarm leaf_patch --yes\n", tmp_path)
    assert (ran.status, ran.out) == (2, "")
    assert leaf_says(guest) == PATCHED


def test_what_cannot_be_read_while_it_runs(guest: Guest, tmp_path: Path) -> None:
    ran = script(guest, "continue\nlist\n", tmp_path)
    assert (ran.status, ran.out) == (2, "")
    assert "the target runs, so that its stub cannot be asked" in ran.err


def test_a_script_on_a_dump(captured: Captured, tmp_path: Path) -> None:
    captures = captured("patched", "radix", "6.1")
    target = ("-c", str(captures.path("qemu-elf")), "-s", str(captures.image.vmlinux))
    for text, status in (("list\n", 0), ("list\nstop\nlist\n", 2), ("quit\nnosuch\n", 0), ("", 0)):
        done = subprocess.run(
            [sys.executable, "-m", "klp_debug", "console", *target],
            input=text,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == status, done
        assert done.stdout.count("no transition in progress") == text.startswith("list")


def test_a_person(guest: Guest, tmp_path: Path) -> None:
    with terminal(guest, tmp_path) as person:
        assert not runs(guest)
        assert "toc_patch" in person.line("list")
        assert "no command nosuch: see help" in person.line("nosuch")
        assert "the target runs again" in person.line("continue")
        assert runs(guest)
        assert "the target runs, so that" in person.line("list")
        assert "the target is stopped" in person.line("stop")
        assert not runs(guest)
        assert "init (1)  sleeping" in person.line("bt 1")
        person.child.send("list nonsense\x03")  # Ctrl-C drops the line
        person.prompt()
        assert not runs(guest)
        person.child.send("wait 600\r")
        becomes(guest, running=True)
        person.child.send("\x03")
        person.prompt()
        person.line("stop")
        person.child.sendcontrol("d")
        person.child.expect(pexpect.EOF)
        person.child.wait()
        assert person.child.exitstatus == 0
    assert runs(guest)
    assert "list" in (tmp_path / "klp-debug" / "console-history").read_text()


def test_completion(guest: Guest, tmp_path: Path) -> None:
    with terminal(guest, tmp_path) as person:
        for start, whole in (
            ("tran", "transition"),
            ("disarm leaf", "disarm leaf_patch"),
            ("disarm leaf_patch --fun", "disarm leaf_patch --function"),
            ("disarm leaf_patch --function int", "disarm leaf_patch --function int_to_scsilun"),
            ("func meminfo_pro", "func meminfo_proc_show"),
            ("func scsi_comm", "func scsi_common:"),
            ("func scsi_common:int_to", "func scsi_common:int_to_scsilun"),
            ("bt kthre", "bt kthreadd"),
            ("help stat", "help status"),
        ):
            person.child.send(start + "\t")
            rest = whole[len(start) :]
            person.says(rest)
            person.child.send("\x03")
            person.prompt()


def test_the_status_line(guest: Guest, tmp_path: Path) -> None:
    with terminal(guest, tmp_path, "--max-pause", "600") as person:
        person.says("QEMU guest, stopped by GDB, Linux 6.1")
        person.says("stopped for ")
        person.says("of 600 s | nothing held disarmed")
        person.child.send("disarm leaf_patch\r")
        person.says("[y/N] ")
        person.child.send("y\r")
        person.says("held disarmed: leaf_patch")
        # An empty line repeats nothing.
        person.child.send("undo --yes\r")
        person.says("nothing held disarmed")
        person.child.send("\r\r")
        time.sleep(1)
        person.child.send("continue\r")
        person.says("| running |")
        assert leaf_says(guest) == PATCHED


def test_killed_at_the_prompt(guest: Guest, tmp_path: Path) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        with terminal(guest, tmp_path) as person:
            assert not runs(guest)
            person.child.kill(number)
            becomes(guest, running=True)
