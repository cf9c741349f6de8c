# SPDX-License-Identifier: GPL-2.0-or-later
"""The console at a terminal and with a script, on a guest that it stops and lets run."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pexpect
import pyte
import pytest

from tests.conftest import Captured, Played
from tests.support.cli import Ran
from tests.support.guest_activity import becomes, runs
from tests.support.tier import by_tier
from vmcores.guest.guest import Guest

pytestmark = pytest.mark.lab

PROMPT = "klp-debug>"
SCREEN = (160, 50)
SECONDS = 60
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


class Screen(pyte.Screen):
    """A screen that answers: prompt_toolkit shows no status line before it knows the cursor."""

    def __init__(self, child: "pexpect.spawn[str]") -> None:
        super().__init__(*SCREEN)
        self._child = child

    def write_process_input(self, data: str) -> None:
        self._child.send(data)


class Terminal:
    """A person at the console, and what is on the screen there."""

    def __init__(self, child: "pexpect.spawn[str]") -> None:
        self.child = child
        self._screen = Screen(child)
        self._stream = pyte.Stream(self._screen)

    def screen(self) -> str:
        """Return what is on the screen now."""
        with contextlib.suppress(pexpect.TIMEOUT, pexpect.EOF):
            while True:
                self._stream.feed(self.child.read_nonblocking(4096, timeout=0.1))
        return "\n".join(line.rstrip() for line in self._screen.display)

    def sees(self, *texts: str) -> None:
        """Wait until all texts are on the screen."""
        end = time.monotonic() + SECONDS
        while missing := [text for text in texts if text not in self.screen()]:
            assert time.monotonic() < end, f"{missing} not on:\n{self.screen()}"

    def waits(self) -> None:
        """Wait for an empty line behind the prompt."""
        end = time.monotonic() + SECONDS
        while self._last_line() != PROMPT:
            assert time.monotonic() < end, f"no prompt on:\n{self.screen()}"

    def _last_line(self) -> str:
        lines = [line for line in self.screen().splitlines() if line.startswith(PROMPT)]
        return lines[-1] if lines else ""

    def line(self, text: str, *answers: str) -> None:
        """Give a line; wait until the answers are there, and the next prompt."""
        self.child.send(text + "\r")
        self.sees(*answers)
        self.waits()

    def clear(self) -> None:
        """Drop the line and clear the screen."""
        self.child.send("\x03")
        self.waits()
        self.child.send("\x0c")
        self.waits()


@contextmanager
def terminal(guest: Guest, state: Path, *more: str) -> Iterator[Terminal]:
    columns, rows = SCREEN
    child = pexpect.spawn(
        sys.executable,
        words(guest, *more),
        encoding="utf-8",
        dimensions=(rows, columns),
        env=os.environ | {"XDG_STATE_HOME": str(state), "TERM": "xterm"},
    )
    try:
        person = Terminal(child)
        person.waits()
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
    "bad",
    by_tier(
        covering=["disarm leaf_patch"],
        full=["nosuch", "func nosuch", "disarm nosuch --yes", "disarm leaf_patch"],
    ),
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
        person.line("list", "toc_patch", "no transition in progress")
        person.line("nosuch", "no command nosuch: see help")
        person.line("bt 1", "init (1)  sleeping")
        person.line("continue", "the target runs again")
        assert runs(guest)
        person.line("list", "the target runs, so that its stub cannot be asked")
        person.line("stop", "the target is stopped")
        assert not runs(guest)

        person.child.send("list nonsense")
        person.sees(f"{PROMPT} list nonsense")
        person.child.send("\x03")  # Ctrl-C drops the line
        person.waits()
        assert not runs(guest)

        person.child.send("wait 600\r")
        becomes(guest, running=True)
        person.child.send("\x03")  # and ends what runs
        person.waits()
        person.line("stop", "the target is stopped")
        assert not runs(guest)

        person.child.sendcontrol("d")
        person.child.expect(pexpect.EOF, timeout=SECONDS)
        person.child.wait()
        assert person.child.exitstatus == 0
    assert runs(guest)
    assert "+list\n" in (tmp_path / "klp-debug" / "console-history").read_text()


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
            person.sees(f"{PROMPT} {whole}")
            person.clear()
        person.child.send("disarm \t")  # several: shown
        person.sees("cmdline_patch_1", "cmdline_patch_2", "leaf_patch", "toc_patch")


def test_the_status_line(guest: Guest, tmp_path: Path) -> None:
    with terminal(guest, tmp_path, "--max-pause", "600") as person:
        person.sees("QEMU guest, stopped by GDB, Linux 6.1", " s of 600 s | nothing held disarmed")
        person.child.send("disarm leaf_patch\r")
        person.sees("[y/N]")
        person.child.send("y\r")
        person.sees("| held disarmed: leaf_patch")
        person.line("undo --yes")
        person.sees("| nothing held disarmed")
        person.line("")  # repeats nothing
        person.line("")
        person.sees("| nothing held disarmed")
        person.line("continue")
        person.sees("| running |")
        assert leaf_says(guest) == PATCHED


def test_killed_at_the_prompt(guest: Guest, tmp_path: Path) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        with terminal(guest, tmp_path) as person:
            assert not runs(guest)
            person.child.kill(number)
            becomes(guest, running=True)
