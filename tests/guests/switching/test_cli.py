# SPDX-License-Identifier: GPL-2.0-or-later
"""The commands as a user runs them: through GDB on QEMU's stub, each in a process of its own."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pexpect
import pytest

from tests.support.cli import Ran, klp_debug_run, refusal
from tests.support.live_guests import ORIGINALS, REPLACEMENTS, live_guest, running, ten
from tests.support.schemas import validate
from tests.support.tier import by_tier
from vmcores.guest.guest import Guest

pytestmark = pytest.mark.lab

TRIES = 30


@pytest.fixture(
    scope="module",
    params=by_tier(
        covering=[("7.2", "radix")], full=[("6.1", "hash"), ("6.12", "radix"), ("7.2", "radix")]
    ),
    ids="-".join,
)
def guest(request: pytest.FixtureRequest) -> Iterator[Guest]:
    with live_guest(*request.param) as guest:
        yield guest


@pytest.fixture(autouse=True)
def _as_it_was(guest: Guest) -> Iterator[None]:
    yield
    assert running(guest)
    assert ten(guest) == REPLACEMENTS


def target(guest: Guest) -> tuple[str | Path, ...]:
    return ("--gdb", guest.gdb_socket, "--qemu", guest.qmp_socket, "-s", guest.image.vmlinux)


def ask(guest: Guest, *words: str) -> Ran:
    """Run a command; again, while it is not safe."""
    for _ in range(TRIES):
        ran = klp_debug_run(words[0], *target(guest), *words[1:])
        if "not safe now" not in ran.out:
            return ran
    raise AssertionError(ran)


def ask_json(guest: Guest, *words: str) -> Any:
    ran = ask(guest, *words, "--json")
    document = json.loads(ran.out)
    validate(document, words[0])
    return document


def test_disarm_and_undo(guest: Guest) -> None:
    planned = ask_json(guest, "disarm", "ten_patch", "--dry-run")
    assert ten(guest) == REPLACEMENTS
    ran = ask(guest, "disarm", "ten_patch", "--yes", "--verbose")
    assert ran.status == 0, ran
    assert "ten_patch: disarmed, 10 functions; written and read back" in ran.out
    for write in planned["writes"]:
        assert write["address"][2:] in ran.out
        assert write["address"][2:] in ran.err
    assert "ten_patch: 10 functions to be disarmed" in ran.err
    assert running(guest)
    assert ten(guest) == ORIGINALS
    assert ask(guest, "status").status == 1
    status = ask_json(guest, "status")
    assert len(status["held"]) == 10
    assert ask_json(guest, "journal")["operations"][-1]["in_force"]
    undone = ask_json(guest, "undo", "--yes")
    assert undone["outcome"] == "done"
    assert ask_json(guest, "arm", "ten_patch", "--yes")["outcome"] == "nothing to do"


@pytest.mark.parametrize("mechanism", ["nop", "site"])
def test_other_mechanisms(guest: Guest, mechanism: str) -> None:
    ran = ask(guest, "disarm", "ten_patch", "--by", mechanism, "--yes")
    assert ran.status == 0, ran
    assert ten(guest) == ORIGINALS
    assert ask(guest, "arm", "ten_patch", "--yes").status == 0


def test_without_the_fast_way(guest: Guest) -> None:
    only_gdb = ("--gdb", guest.gdb_socket, "-s", guest.image.vmlinux)
    for words in (("disarm", "ten_patch"), ("undo",)):
        for _ in range(TRIES):
            ran = klp_debug_run(*words, *only_gdb, "--yes")
            if "not safe now" not in ran.out:
                break
        assert ran.status == 0, ran


def test_bad_usage(guest: Guest) -> None:
    for _ in range(TRIES):
        ran = klp_debug_run("disarm", "ten_patch", *target(guest))
        if "not safe now" not in ran.out:
            break
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.endswith("nobody can be asked here whether to write: say --yes, or --dry-run\n")
    assert ten(guest) == REPLACEMENTS
    only_qemu = ("--qemu", guest.qmp_socket, "-s", guest.image.vmlinux)
    assert "nothing can be written to this QEMU guest" in refusal(
        "disarm", "ten_patch", "--yes", *only_qemu
    )


def test_a_person_is_asked(guest: Guest) -> None:
    command = [sys.executable, "-m", "klp_debug", "disarm", *map(str, target(guest)), "ten_patch"]
    for answer, outcome in (("n", "not disarmed. Nothing was written."), ("y", "disarmed, 10")):
        for _ in range(TRIES):
            child = pexpect.spawn(command[0], command[1:], encoding="utf-8", timeout=60)
            if child.expect([r"Write this to the target\? \[y/N\] ", "not safe now"]) == 0:
                break
            child.expect(pexpect.EOF)
            child.close()
        assert "ten_patch: 10 functions to be disarmed" in (child.before or "")
        child.sendline(answer)
        child.expect_exact(outcome)
        child.expect(pexpect.EOF)
        child.close()
        assert child.exitstatus == (0 if answer == "y" else 1)
    assert ten(guest) == ORIGINALS
    assert ask(guest, "undo", "--yes").status == 0


def test_killed_in_the_middle(guest: Guest, state_home: Path) -> None:
    """After so many lines of the journal: then all or nothing holds, or undo makes it so."""
    ask(guest, "disarm", "ten_patch", "--yes")
    ask(guest, "undo", "--yes")
    (journal,) = (state_home / "klp-debug/journal").iterdir()
    cut_short = 0
    for lines in by_tier(covering=(4, 16), full=(1, 4, 9, 16, 22)):
        before = journal.read_bytes().count(b"\n")
        command = [sys.executable, "-m", "klp_debug", "disarm", *map(str, target(guest))]
        command += ["ten_patch", "--yes", "--force"]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as tool:
            while journal.read_bytes().count(b"\n") < before + lines and tool.poll() is None:
                time.sleep(0.0005)
            if tool.poll() is None:
                tool.kill()
            tool.communicate(timeout=60)
        status = ask_json(guest, "status")
        if status["unfinished"]:
            cut_short += 1
        if status["held"] or status["unfinished"]:
            undone = ask_json(guest, "undo", "--yes", "--force")
            assert undone["outcome"] == "done", undone
        assert ask_json(guest, "status")["unfinished"] == []
        assert ten(guest) == REPLACEMENTS
    assert cut_short
