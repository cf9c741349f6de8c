# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs drgn as a user does: its command line, and its prompt in a terminal."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pexpect

from tests.support.cli import Ran
from tests.support.programs import SECONDS, program_run

BIN = Path(sys.executable).parent
PROMPT = ">>> "
CRASH_PROMPT = "%crash> "


def drgn_run(*words: str | Path, program: str = "drgn", **variables: str) -> Ran:
    """Run drgn, without a terminal, with more variables in its environment."""
    return program_run(BIN / program, *words, **variables)


class Prompt:
    """A prompt that waits."""

    def __init__(self, child: "pexpect.spawn[str]", prompt: str) -> None:
        self._child = child
        self._prompt = prompt
        if prompt == PROMPT:
            # drgn's banner shows what it imported, as if typed behind a prompt.
            child.expect_exact(">>> from drgn.helpers.linux import *")
        self._answer()

    def _answer(self) -> str:
        self._child.expect_exact(self._prompt)
        return str(self._child.before).replace("\r\n", "\n")

    def __call__(self, line: str) -> str:
        """Type a line; return all that came before the next prompt."""
        self._child.sendline(line)
        echo, _, said = self._answer().partition("\n")
        assert echo.endswith(line), echo
        return said

    def complete(self, text: str, completed: str) -> None:
        """Type text and the tab key, and wait for what it becomes: the last thing to type.

        The line stays as it is. CPython loses an interrupt that arrives between readline's echo
        and its next wait for a key, so no key ends the line for certain.
        """
        self._child.send(text + "\t")
        self._child.expect_exact(completed)


@contextmanager
def prompt(home: Path, *words: str | Path, program: str = "drgn") -> Iterator[Prompt]:
    """Start drgn in a terminal, with a home folder of its own for its history."""
    child = pexpect.spawn(
        str(BIN / program),
        [str(word) for word in words],
        # The crash mode has a pager, which must not complain of the terminal.
        env=os.environ | {"HOME": str(home), "TERM": "dumb", "LESS": "-d"},
        encoding="utf-8",
        timeout=SECONDS,
        dimensions=(50, 400),
    )
    try:
        yield Prompt(child, CRASH_PROMPT if program == "drgn-crash" else PROMPT)
    finally:
        child.close(force=True)
