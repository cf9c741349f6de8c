# SPDX-License-Identifier: GPL-2.0-or-later
"""The manual builds without a warning, is whole, and says what the program says."""

import html
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import docs
import klp_debug
from klp_debug.command import COMMANDS
from tests.conftest import Captured
from tests.support.cli import klp_debug_run

PAGES = Path(docs.__file__).parent
PROJECT = PAGES.parent


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("docs")
    command: list[str | Path] = [sys.executable, "-m", "docs.manual", folder]
    done = subprocess.run(
        command, cwd=PROJECT, capture_output=True, text=True, timeout=300, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return folder


def test_every_command_is_in_the_manual_and_the_man_page(built: Path) -> None:
    page = html.unescape(re.sub("<[^>]+>", "", (built / "html/commands.html").read_text()))
    # A hyphen that troff must not break at is escaped.
    man = (built / "man/klp-debug.1").read_text().replace("\\-", "-")
    man = man.replace("\\(aq", "'")
    for command in COMMANDS:
        for text in (page, man):
            assert f"klp-debug {command.name} " in text
            assert " ".join(command.description.split()[:6]) in text
            for argument in command.arguments:
                assert argument.names[-1] in text or argument.settings["metavar"] in text


def test_every_name_of_the_library_is_in_the_manual(built: Path) -> None:
    page = (built / "html/library.html").read_text()
    for name in klp_debug.__all__:
        assert f'id="klp_debug.{name}"' in page or f'id="klp_debug.library.{name}"' in page, name


def test_every_script_is_in_the_manual() -> None:
    page = (PAGES / "scripts.md").read_text()
    for script in (PROJECT / "drgn_scripts").glob("*.py"):
        assert f"literalinclude}} ../drgn_scripts/{script.name}" in page


def test_pages_need_no_network(built: Path) -> None:
    """Links may lead out; what a page loads may not."""
    loads = re.compile(r'<(?:script|link|img)[^>]+(?:src|href)="(?:https?:)?//[^"]*"')
    pages = list((built / "html").glob("*.html"))
    assert len(pages) > 10
    for page in pages:
        assert not loads.findall(page.read_text()), page


_NUMBER = re.compile(r"\b(0x)?[0-9a-f]{6,16}\b|\b\d+(\.\d+)+\b|\(\d+\)|\b\d{4,}\b")


def masked(text: str) -> list[str]:
    """Return lines without what differs from build to build: numbers and spaces."""
    return [" ".join(_NUMBER.sub("#", line).split()) for line in text.splitlines()]


def blocks() -> Iterator[tuple[str, str]]:
    """Return (command, output) of each console block of the tutorial."""
    text = (PAGES / "tutorial.md").read_text()
    for block in re.findall(r"^```console\n\$ (.*?)^```", text, re.MULTILINE | re.DOTALL):
        command, _, output = block.partition("\n")
        yield command, output


@pytest.mark.lab
@pytest.mark.parametrize(("command", "output"), list(blocks()), ids=lambda text: text[:40])
def test_the_tutorial_shows_what_the_program_says(
    captured: Captured, command: str, output: str
) -> None:
    """Between ``...``, which stands for any lines, its lines follow each other in the answer."""
    captures = captured("seed_crash", "radix", "6.1")
    files = {"vmcore": captures.path("kdump"), "vmlinux": captures.image.vmlinux}
    program, *words = command.split()
    assert program == "klp-debug"
    said = masked(klp_debug_run(*(files.get(word, word) for word in words)).out)
    shown = "\n".join(masked(output)).split("...")
    at = 0
    for part in shown:
        lines = part.strip("\n").splitlines() if part.strip("\n") else []
        starts = (i for i in range(at, len(said)) if said[i : i + len(lines)] == lines)
        start = next(starts, None)
        assert start is not None, lines
        at = start + len(lines)
