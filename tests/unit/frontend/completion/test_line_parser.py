# SPDX-License-Identifier: GPL-2.0-or-later
"""A line is a command of the shell or of the console, or it is refused in one sentence."""

import argparse
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klp_debug.command import COMMANDS
from klp_debug.command.command import Argument
from klp_debug.errors import CommandError
from klp_debug.frontend.completion.line_parser import HelpShown, LineParser, OwnCommand


def nothing(args: argparse.Namespace) -> None:
    pass


OWN = OwnCommand(
    name="help",
    summary="help",
    run=nothing,
    aliases=("?",),
    arguments=(Argument(("command",), {"nargs": "?"}),),
)
PARSER = LineParser(COMMANDS, (OWN,))


def test_every_command_of_the_shell_is_one_of_the_console() -> None:
    assert {command.name for command in COMMANDS} <= set(PARSER.names)
    for command in COMMANDS:
        assert command.description.split()[0] in PARSER.help(command.name)
        with pytest.raises(HelpShown, match=f"usage: {command.name} "):
            PARSER.parse(f"{command.name} --help")


def test_arguments_are_those_of_the_shell() -> None:
    parsed = PARSER.parse("disarm leaf_patch --function 'int_to_scsilun' --dry-run # a comment")
    assert parsed is not None
    command, args = parsed
    assert command.name == "disarm"
    assert (args.patch, args.function, args.dry_run, args.format) == (
        *("leaf_patch", "int_to_scsilun"),
        *(True, "text"),
    )


def test_an_alias() -> None:
    parsed = PARSER.parse("? list")
    assert parsed is not None
    assert parsed[0] is OWN
    assert parsed[1].command == "list"


@pytest.mark.parametrize("line", ["", "   ", "# only a comment", "\t"])
def test_a_line_that_says_nothing(line: str) -> None:
    assert PARSER.parse(line) is None


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("nosuch", "no command nosuch: see help"),
        ("lis", r"^no command lis: did you mean 'list'\?$"),
        ("help\x1b", r"^no command help\\x1b: did you mean 'help'\?$"),
        ("no\x1b[31msuch", r"no command no\\x1b\[31msuch"),
        ("func", "func: the following arguments are required"),
        ("func a b c", "func: unrecognized arguments: c"),
        ("list --nosuch", "list: unrecognized arguments"),
        ("disarm p --by magic", "disarm: argument --by: invalid choice"),
        ("func 'open", "No closing quotation"),
    ],
)
def test_what_is_refused(line: str, sentence: str) -> None:
    with pytest.raises(CommandError, match=sentence):
        PARSER.parse(line)


@given(st.text(max_size=40))
def test_no_line_ends_the_console(line: str) -> None:
    with contextlib.suppress(CommandError, HelpShown):
        PARSER.parse(line)


def test_what_the_next_word_is() -> None:
    assert PARSER.value_of("func", [])[0] == "function"
    assert PARSER.value_of("func", ["meminfo_proc_show"])[0] == "module"
    assert PARSER.value_of("disarm", []) == ("patch", ())
    assert PARSER.value_of("disarm", ["p", "--function"])[0] == "function"
    assert PARSER.value_of("disarm", ["p", "--by"]) == ("by", ("ops", "redirect", "nop", "site"))
    assert PARSER.value_of("disarm", ["--yes"])[0] == "patch"
    assert PARSER.value_of("audit", ["--sites"])[0] == ""
    assert "--in-patched" in PARSER.options("bt")
    assert "--json" in PARSER.options("bt")
