# SPDX-License-Identifier: GPL-2.0-or-later
"""The shell's command line: a mistyped command, and help."""

import pytest

from klp_debug.command import COMMANDS
from tests.support.cli import Ran, klp_debug_run

OTHERS = ("console", "drgn", "gdb", "help")


def usage_and_error(ran: Ran) -> str:
    """Return the error of a command line that cannot be used, without the usage before it."""
    assert (ran.status, ran.out) == (2, "")
    *usage, error = ran.err.splitlines()
    assert usage[0].startswith("usage: klp-debug")
    return error


@pytest.mark.parametrize(
    ("word", "meant"),
    [("lst", "list"), ("dissarm", "disarm"), ("consol", "console"), ("halp", "help")],
)
def test_a_mistyped_command(word: str, meant: str) -> None:
    sentence = f"klp-debug: error: no command {word}: did you mean '{meant}'?"
    assert usage_and_error(klp_debug_run(word)) == sentence
    assert usage_and_error(klp_debug_run(word, "-c", "vmcore")) == sentence
    assert usage_and_error(klp_debug_run("help", word)) == sentence


def test_a_word_that_is_like_no_command() -> None:
    error = usage_and_error(klp_debug_run("xyzzy"))
    assert error.startswith("klp-debug: error: argument COMMAND: invalid choice: 'xyzzy'")
    assert usage_and_error(klp_debug_run("help", "xyzzy")) == error


def test_a_mistyped_command_reaches_no_terminal_raw() -> None:
    error = usage_and_error(klp_debug_run("lis\x1b[31m"))
    assert "\x1b" not in error


def test_help_of_all() -> None:
    ran = klp_debug_run("help")
    assert (ran.status, ran.err) == (0, "")
    assert ran == klp_debug_run("--help")
    for name in (*(command.name for command in COMMANDS), *OTHERS):
        assert f"\n    {name}" in ran.out


@pytest.mark.parametrize("name", [*(command.name for command in COMMANDS), *OTHERS])
def test_help_of_a_command(name: str) -> None:
    ran = klp_debug_run("help", name)
    assert (ran.status, ran.err) == (0, "")
    assert ran == klp_debug_run(name, "--help")


def test_help_takes_one_command() -> None:
    assert "unrecognized arguments: func" in usage_and_error(klp_debug_run("help", "list", "func"))
