# SPDX-License-Identifier: GPL-2.0-or-later
"""The commands inside another debugger, which has the target and goes on after an error."""

import argparse
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NoReturn

from klp_debug.analysis.view.view_cache import view_of
from klp_debug.command.command import Command
from klp_debug.control.consent import Consent
from klp_debug.errors import CommandError, TargetError
from klp_debug.frontend.command_parsers import CommandLineParser, add_command_parsers
from klp_debug.frontend.progress import progress
from klp_debug.frontend.run import FrontDoor, run
from klp_debug.frontend.terminal_consent import terminal_consent
from klp_debug.result.common import Answer
from klp_debug.targets.target import Target


class HostedError(Exception):
    """What a command cannot do, as one sentence."""


class UsageError(HostedError):
    """Arguments that no command takes, as argparse says it."""


class HelpShown(Exception):  # noqa: N818 - it is no error
    """Help was asked for, and printed."""


class HostedParser(CommandLineParser):
    """A parser that does not end the process."""

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        """
        End the command.

        :raises HelpShown, UsageError: always
        """
        if status == 0:
            raise HelpShown
        raise UsageError((message or "").rstrip("\n"))


def hosted_parser(
    prefix: str, epilog: str, kind: type[HostedParser] = HostedParser
) -> argparse.ArgumentParser:
    """
    Return a parser of what a user types in the host, without options that name a target.

    :param prefix: the word before each command: ``klp``
    :param epilog: the end of its help: what the host is good for
    :param kind: the class of the parser, and of the commands' own
    """
    top = kind(
        prog=prefix,
        description="What does this ppc64le kernel really run when a live-patched function is"
        " called, and if that went wrong, why?",
        epilog=f"`{prefix} COMMAND --help` tells more of a command.\n{epilog}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    for _ in add_command_parsers(top.add_commands()):
        pass
    return top


def answer(
    parser: argparse.ArgumentParser,
    find_target: Callable[[], Target],
    words: Sequence[str],
    consent: Callable[[Callable[[], None]], Consent] = terminal_consent,
) -> Answer:
    """
    Run a command on the host's target, print its answer and return it.

    :param find_target: returns the target; not called for a command that needs none
    :param consent: as :attr:`klp_debug.frontend.run.FrontDoor.consent`, by the host's custom
    :raises HelpShown: if the words asked for help instead
    :raises UsageError: if they make no command
    :raises HostedError: if the command cannot be answered
    """
    args = parser.parse_args(words)
    command: Command = args.run

    @contextmanager
    def opened() -> Iterator[Target]:
        with progress(command.name):  # a host may have to open it first
            target = find_target()
        yield target

    door = FrontDoor(opened=opened, view=lambda target: view_of(target.prog), consent=consent)
    try:
        return run(command, args, door)
    except (TargetError, CommandError) as error:
        raise HostedError(str(error)) from None
