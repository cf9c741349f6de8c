# SPDX-License-Identifier: GPL-2.0-or-later
"""The tutorial shows what the program says of the capture that it is about."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import docs
from tests.conftest import Captured
from tests.support.cli import klp_debug_run

pytestmark = pytest.mark.lab

PAGES = Path(docs.__file__).parent
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
