# SPDX-License-Identifier: GPL-2.0-or-later
"""Shell, console, GDB and drgn answer alike: every command, on a vmcore that all of them read."""

import subprocess
import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pytest

from tests.conftest import Captured
from tests.support.cli import klp_debug_run
from tests.support.command_lines import LINES
from tests.support.drgn_cli import Prompt, prompt
from tests.support.gdb_process import gdb_run, klp_into, run_by
from tests.support.tier import by_tier
from vmcores.host.newer_gdb import newer_gdb
from vmcores.scenarios.capture import CaptureSet

pytestmark = pytest.mark.lab


def asked(line: str) -> list[str]:
    """Return a line as text and as JSON, which is no matter of the front door: of some lines."""
    with_json = by_tier(covering=["list", "transition"], full=list(LINES.values()))
    return [line, f"{line} --json"] if line in with_json else [line]


class Ways:
    """The four ways of asking; the console and drgn stay open for all lines."""

    def __init__(self, captures: CaptureSet, drgn: Prompt) -> None:
        self._core, self._vmlinux = captures.path("elf"), captures.image.vmlinux
        self._drgn = drgn
        self.lines = [self.line(line) for each in LINES.values() for line in asked(each)]
        self._shell: dict[str, str] = {}
        self._gdb: dict[str, str] = {}

    def line(self, line: str) -> str:
        return line.replace("VMLINUX", str(self._vmlinux))

    def shell(self, line: str) -> str:
        if line not in self._shell:
            target = () if line.startswith("scan") else ("-c", self._core, "-s", self._vmlinux)
            self._shell[line] = klp_debug_run(*line.split(), *target).out
            assert self._shell[line].count("\n") > 3
        return self._shell[line]

    def console(self) -> tuple[str, str]:
        """Return what the console prints for all lines of text, and what the shell does."""
        lines = [line for line in self.lines if not line.endswith("--json")]
        done = subprocess.run(
            [sys.executable, "-m", "klp_debug", "console", "-c", self._core, "-s", self._vmlinux],
            input="\n".join(lines),
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        return done.stdout, "".join(map(self.shell, lines))

    def drgn(self, line: str, out: Path) -> str:
        assert self._drgn(f"%klp {line} > {out}") == ""
        return out.read_text()

    def gdb(self, line: str, folder: Path) -> str:
        """Return what GDB prints for a line; one GDB is asked all of them."""
        if not self._gdb:
            self._gdb = dict(zip(self.lines, self.fresh_gdb(self.lines, folder), strict=True))
        return self._gdb[line]

    def fresh_gdb(self, lines: list[str], folder: Path) -> list[str]:
        """Return what a fresh GDB prints for each line."""
        files = [folder / str(number) for number in range(len(lines))]
        told = [klp_into(file, f"klp {line}") for file, line in zip(files, lines, strict=True)]
        gdb_run(f"file {self._vmlinux}", f"core-file {self._core}", *chain.from_iterable(told))
        return [file.read_text() for file in files]


@pytest.fixture(scope="module")
def ways(captured: Captured, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ways]:
    captures = captured("patched", "radix", "6.1")
    words = "-c", captures.path("elf"), "-s", captures.image.vmlinux
    with pytest.MonkeyPatch.context() as here:
        # Where journals are.
        here.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        with prompt(tmp_path_factory.mktemp("home"), *words) as drgn:
            yield Ways(captures, drgn)


@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
def test_gdb_and_drgn_answer_as_the_shell(ways: Ways, line: str, tmp_path: Path) -> None:
    lines = [ways.line(each) for each in asked(line)]
    shell = [ways.shell(one) for one in lines]
    assert [ways.drgn(one, tmp_path / "drgn") for one in lines] == shell
    assert [ways.gdb(one, tmp_path) for one in lines] == shell


def test_the_console_answers_as_the_shell(ways: Ways) -> None:
    console, shell = ways.console()
    assert console == shell


@pytest.mark.full  # the newer GDB's commands are tried on a guest
def test_a_newer_gdb_answers_as_the_shell(ways: Ways, tmp_path: Path) -> None:
    with run_by(newer_gdb().gdb):
        lines = [line for line in ways.lines if not line.endswith("--json")]
        assert ways.fresh_gdb(lines, tmp_path) == [ways.shell(line) for line in lines]
