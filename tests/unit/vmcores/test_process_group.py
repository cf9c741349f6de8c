# SPDX-License-Identifier: GPL-2.0-or-later
"""An interrupted run leaves no process of the command that it ran."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.processes import alive, ends
from vmcores.bootstrap import PROJECT
from vmcores.host.process_group import run_group

# Runs a shell command, and tells how it ended.
CHILD = """
import os, signal, subprocess, sys, time
from vmcores.host import process_group

class Interrupted(subprocess.Popen):
    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        while not os.path.exists(sys.argv[2]):
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)

# A shell starts what runs in its background with SIGINT ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGTERM, lambda number, frame: sys.exit("terminated"))
process_group.STOP_SECONDS = 1
if len(sys.argv) > 2:
    subprocess.Popen = Interrupted
try:
    process_group.run_group(["sh", "-c", sys.argv[1]], sys.stderr)
except KeyboardInterrupt:
    sys.exit("interrupted")
"""


class Shell:
    """Runs of CHILD with a command that tells the ids of its processes, and then stays."""

    def __init__(self, folder: Path) -> None:
        self.pids = folder / "pids"

    def start(self, command: str, *interrupted: Path) -> subprocess.Popen[str]:
        new = self.pids.with_suffix(".new")
        command = command.format(tell=f"echo $! $$ > {new}; mv {new} {self.pids}")
        argv: list[str | Path] = [sys.executable, "-c", CHILD, command, *interrupted]
        return subprocess.Popen(argv, cwd=PROJECT, stderr=subprocess.PIPE, text=True)

    def started(self) -> list[int]:
        end = time.monotonic() + 30
        while not self.pids.exists() and time.monotonic() < end:
            time.sleep(0.05)
        return [int(pid) for pid in self.pids.read_text().split()]


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    shell = Shell(tmp_path)
    yield shell
    if shell.pids.exists():
        for pid in filter(alive, shell.started()):
            os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize(
    ("number", "said"), [(signal.SIGINT, "interrupted\n"), (signal.SIGTERM, "terminated\n")]
)
@pytest.mark.parametrize(
    "command",
    [
        "sleep 300 & {tell}; wait",
        # The first process ends when asked to, but its child does not.
        "(trap '' TERM; exec sleep 300) & sleep 0.2; {tell}; wait",
        "trap '' TERM; sleep 300 & {tell}; wait",
    ],
    ids=["obeys", "stubborn child", "stubborn"],
)
def test_interruption(shell: Shell, command: str, number: signal.Signals, said: str) -> None:
    with shell.start(command) as child:
        started = shell.started()
        assert all(alive(pid) for pid in started)
        child.send_signal(number)
        assert child.communicate(timeout=30)[1] == said
    assert all(ends(pid) for pid in started)


def test_interruption_while_it_starts(shell: Shell) -> None:
    with shell.start("sleep 300 & {tell}; wait", shell.pids) as child:
        assert child.communicate(timeout=30)[1] == "interrupted\n"
    assert all(ends(pid) for pid in shell.started())


def test_status_of_a_command_that_ends_by_itself(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w") as log:
        assert run_group(["sh", "-c", "pwd; echo told >&2; exit 3"], log, tmp_path) == 3
    assert (tmp_path / "log").read_text() == f"{tmp_path}\ntold\n"
