# SPDX-License-Identifier: GPL-2.0-or-later
"""A parser for each command: what every front door says and takes."""

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from klp_debug.command import COMMANDS
from klp_debug.command.command import Command
from klp_debug.frontend.debugging import add_debug
from klp_debug.frontend.suggestion import suggestion
from klp_debug.render.formats import FORMATS

if TYPE_CHECKING:
    # Generic for type checkers alone.
    SubParsers = argparse._SubParsersAction[Any]  # noqa: SLF001 - it has no public name


_COMMAND = "command"


class CommandLineParser(argparse.ArgumentParser):
    """A parser of a command and its arguments; says which command may have been meant."""

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """Check a value against the choices of its argument: argparse's own hook."""
        if action.dest == _COMMAND and action.choices and value not in action.choices:
            sentence = suggestion(value, action.choices)
            if sentence is not None:
                self.error(sentence)
        super()._check_value(action, value)

    def add_commands(self) -> "SubParsers":
        """Let the parser take a command; return what its commands are to be added to."""
        return self.add_subparsers(dest=_COMMAND, metavar="COMMAND", required=True)


def add_command_parsers(
    commands: "SubParsers", epilog: str | None = None
) -> Iterator[tuple[Command, argparse.ArgumentParser]]:
    """
    Add a subparser for each command, with the command's own arguments and forms of output.

    Parsed arguments then hold the command as ``run``.

    :param epilog: the end of each command's help
    :return: commands and their subparsers, for the front door to add arguments of its own
    """
    for command in COMMANDS:
        sub = commands.add_parser(
            command.name,
            help=command.summary,
            description=command.description,
            epilog=epilog,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        command.add_arguments(sub)
        yield command, sub
        add_formats(command, sub)
        add_debug(sub)
        sub.set_defaults(run=command)


def add_formats(command: Command, parser: argparse.ArgumentParser) -> None:
    """
    Add an option for each form that a command's answer can be printed in, but text.

    Parsed arguments then hold the name of the form as ``format``.
    """
    formats = parser.add_mutually_exclusive_group()
    for name in ("json", *command.formats):
        formats.add_argument(
            f"--{name}", action="store_const", const=name, dest="format", help=FORMATS[name].help
        )
    parser.set_defaults(format="text")
