# SPDX-License-Identifier: GPL-2.0-or-later
"""The prefix command ``klp``, with a subcommand for each command of every front end."""

import argparse
import textwrap
from collections.abc import Sequence
from typing import NoReturn

import gdb

from klp_debug.command import COMMANDS
from klp_debug.command.command import Command
from klp_debug.frontend.command_parsers import add_formats
from klp_debug.frontend.debugging import add_debug
from klp_debug.frontend.exit import FINDINGS, FINE, UNUSABLE
from klp_debug.frontend.gdb.argument_completion import completions
from klp_debug.frontend.gdb.convenience_functions import register_functions
from klp_debug.frontend.gdb.gdb_consent import gdb_consent
from klp_debug.frontend.gdb.host import Host
from klp_debug.frontend.gdb.settings import Settings, register_settings
from klp_debug.frontend.hosted_commands import (
    HelpShown,
    HostedError,
    HostedParser,
    UsageError,
    answer,
    hosted_parser,
)
from klp_debug.result.control import Change

_WIDTH = 79


class _GdbParser(HostedParser):
    """Says in one line what is amiss; GDB users find the usage by ``help``."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{self.prog}: {message}")


class _Klp(gdb.Command):
    """
    Show what a ppc64le kernel really runs when a live-patched function is called.

    Each subcommand is that of klp-debug in the shell, on the target that GDB has: a
    kernel stopped by QEMU's stub or by KGDB, or an ELF vmcore. Afterwards $klp_status
    holds what would be its exit code: 0 fine, 1 findings or a refusal, 2 bad usage or
    a target that cannot be used.
    """

    # Without invoke(), GDB itself tells which subcommands there are.
    def __init__(self) -> None:
        super().__init__("klp", gdb.COMMAND_DATA, gdb.COMPLETE_NONE, True)


class _Subcommand(gdb.Command):
    def __init__(
        self,
        command: Command,
        host: Host,
        settings: Settings,
        parser: argparse.ArgumentParser,
    ) -> None:
        self.__doc__ = _help(command)  # read by GDB when the command is registered
        self._command = command
        self._host = host
        self._settings = settings
        self._parser = parser
        super().__init__(f"klp {command.name}", gdb.COMMAND_DATA)

    def invoke(self, argument: str, from_tty: bool) -> None:
        """
        Print the answer.

        :raises gdb.GdbError: with one sentence, which GDB prints
        """
        if self._command.writes:
            self.dont_repeat()
        _set_status(UNUSABLE)
        words = gdb.string_to_argv(argument)
        words += self._settings.format_of(self._command, words)
        words.insert(0, self._command.name)
        try:
            done = answer(self._parser, self._host.target, words, gdb_consent)
        except HelpShown:
            _set_status(FINE)
            return
        except HostedError as error:
            raise gdb.GdbError(str(error)) from None
        _set_status(FINE if done.clean else FINDINGS)
        if isinstance(done, Change) and not done.clean:
            # So that a script ends here, with the reason just printed.
            raise gdb.GdbError(f"klp {self._command.name}: {done.outcome}")

    def complete(self, text: str, word: str | None) -> Sequence[str]:
        """
        Return what the word at the end of the arguments may become.

        Without a word GDB asks first where words break: as it likes.
        """
        if word is None:
            return ()
        return completions(self._host, f"{self._command.name} {text}", word)


def _set_status(status: int) -> None:
    """Tell scripts what would be the exit code in a shell."""
    gdb.set_convenience_variable("klp_status", status)


def _help(command: Command) -> str:
    """Return a command's help as GDB has it: summary, usage, all else."""
    parser = argparse.ArgumentParser(
        prog=f"klp {command.name}",
        formatter_class=lambda prog: argparse.HelpFormatter(prog, width=_WIDTH),
        add_help=False,
        allow_abbrev=False,
    )
    command.add_arguments(parser)
    add_formats(command, parser)
    add_debug(parser)
    usage = parser.format_usage()
    arguments = parser.format_help().removeprefix(usage).strip()
    return "\n".join(
        (
            f"{command.summary[0].upper()}{command.summary[1:]}.",
            usage[0].upper() + usage[1:],
            textwrap.fill(command.description, _WIDTH),
            "",
            arguments,
        )
    )


def register() -> None:
    """Give GDB the commands, the settings and the functions."""
    _Klp()
    settings = register_settings()
    host = Host(lambda: settings.symbols)
    parser = hosted_parser("klp", "The target is GDB's own.", _GdbParser)
    for command in COMMANDS:
        _Subcommand(command, host, settings, parser)
    register_functions(host)
