# SPDX-License-Identifier: GPL-2.0-or-later
"""What a line means: a command of every front end, or one of the console's own."""

import argparse
import shlex
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NoReturn

from klp_debug.command.command import Argument, Command
from klp_debug.errors import CommandError
from klp_debug.frontend.command_parsers import add_formats
from klp_debug.frontend.debugging import add_debug
from klp_debug.frontend.suggestion import suggestion


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnCommand:
    """A command that only the console has."""

    name: str
    summary: str
    run: Callable[[argparse.Namespace], None]
    """:raises CommandError, TargetError: if it cannot be done"""
    aliases: tuple[str, ...] = ()
    arguments: tuple[Argument, ...] = ()


class HelpShown(Exception):  # noqa: N818 (no error: the line has done what it says)
    """A line asked for help only; the message is the help."""


class _Parser(argparse.ArgumentParser):
    """Takes one line, and ends no process."""

    def error(self, message: str) -> NoReturn:
        raise CommandError(f"{self.prog}: {message}")

    def print_help(self, file: object = None) -> NoReturn:
        raise HelpShown(self.format_help())


class LineParser:
    """Understands the lines of the console, and of GDB while they are typed."""

    def __init__(self, commands: Iterable[Command], own: Iterable[OwnCommand]) -> None:
        """Know commands by their names."""
        self.commands = {command.name: command for command in commands}
        self.own = {name: one for one in own for name in (one.name, *one.aliases)}
        self._parsers: dict[str, argparse.ArgumentParser] = {}

    @property
    def names(self) -> list[str]:
        """The names of all commands."""
        return sorted({*self.commands, *self.own})

    def parse(self, line: str) -> tuple[Command | OwnCommand, argparse.Namespace] | None:
        """
        Return the command of a line and its arguments; None if the line says nothing.

        :raises CommandError: if it is none
        :raises HelpShown: if it asks for the command's help
        """
        try:
            words = shlex.split(line, comments=True)
        except ValueError as error:
            raise CommandError(f"{error}") from None
        if not words:
            return None
        name, *rest = words
        return self.command(name), self._parser(name).parse_args(rest)

    def command(self, name: str) -> Command | OwnCommand:
        """
        Return a command.

        :raises CommandError: if there is none of that name
        """
        command = self.commands.get(name) or self.own.get(name)
        if command is None:
            sentence = suggestion(name, self.names)
            raise CommandError(sentence or f"no command {ascii(name)[1:-1]}: see help")
        return command

    def options(self, name: str) -> list[str]:
        """Return the options of a command."""
        return sorted(
            option
            for action in self._parser(name)._actions  # noqa: SLF001 (argparse tells no other way)
            for option in action.option_strings
            if option.startswith("--")
        )

    def value_of(self, name: str, before: list[str]) -> tuple[str, tuple[str, ...]]:
        """
        Return what the next word of a line is: the argument's name, and the choices it has.

        :param before: the words between the command and that one
        """
        arguments = self.command(name).arguments
        for argument in arguments:
            takes_value = "action" not in argument.settings
            if before and before[-1] in argument.names and takes_value:
                return _described(argument)
        given = sum(not word.startswith("-") for word in before)
        positional = [one for one in arguments if not one.names[0].startswith("-")]
        for argument in positional[given : given + 1]:
            return _described(argument)
        return "", ()

    def takes_value(self, name: str, option: str) -> bool:
        """Return whether an option of a command is followed by a value."""
        return any(
            option in action.option_strings and action.nargs != 0
            for action in self._parser(name)._actions  # noqa: SLF001 (argparse tells no other way)
        )

    def help(self, name: str | None) -> str:
        """
        Return the help of a command, or the list of all.

        :raises CommandError: if there is none of that name
        """
        if name is not None:
            return self._parser(self.command(name).name).format_help()
        told = {one.name: one.summary for one in self.commands.values()}
        told |= {one.name: one.summary for one in self.own.values()}
        width = max(map(len, told))
        return "".join(f"{one:{width}}  {summary}\n" for one, summary in told.items())

    def _parser(self, name: str) -> argparse.ArgumentParser:
        if name not in self._parsers:
            command = self.command(name)
            parser = _Parser(
                prog=name,
                description=getattr(command, "description", command.summary),
                allow_abbrev=False,
            )
            for argument in command.arguments:
                parser.add_argument(*argument.names, **argument.settings)
            if isinstance(command, Command):
                add_formats(command, parser)
                add_debug(parser)
            self._parsers[name] = parser
        return self._parsers[name]


def _described(argument: Argument) -> tuple[str, tuple[str, ...]]:
    return argument.names[0].lstrip("-"), tuple(argument.settings.get("choices", ()))
