# SPDX-License-Identifier: GPL-2.0-or-later
"""The commands inside another debugger, which has the target and goes on after an error."""

import argparse
from collections.abc import Callable, Sequence
from typing import NoReturn

from drgn import Program

from klp_debug.analysis.view.consistency import steady_answer
from klp_debug.analysis.view.view_cache import view_of
from klp_debug.command.command import Command, CommandError
from klp_debug.errors import TargetError
from klp_debug.frontend.answering import show
from klp_debug.frontend.command_parsers import add_command_parsers
from klp_debug.frontend.confirm import confirmation, showing
from klp_debug.frontend.page_file import page_file
from klp_debug.frontend.progress import progress
from klp_debug.result.common import Answer
from klp_debug.result.control import Change
from klp_debug.targets.host_program import target_of


class HostedError(Exception):
    """What a command cannot do, as one sentence."""


class UsageError(HostedError):
    """Arguments that no command takes, as argparse says it."""


class HelpShown(Exception):  # noqa: N818 - it is no error
    """Help was asked for, and printed."""


class HostedParser(argparse.ArgumentParser):
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
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for _ in add_command_parsers(commands):
        pass
    return top


def answer(
    parser: argparse.ArgumentParser,
    program: Callable[[], Program],
    words: Sequence[str],
    confirming: Callable[[Callable[[], None]], Callable[[Change], bool] | None] = confirmation,
) -> Answer:
    """
    Run a command on the host's program, print its answer and return it.

    :param program: returns it; not called for a command that needs none
    :param confirming: as :func:`klp_debug.frontend.confirm.confirmation`, by the host's custom
    :raises HelpShown: if the words asked for help instead
    :raises UsageError: if they make no command
    :raises HostedError: if the command cannot be answered
    """
    args = parser.parse_args(words)
    command: Command = args.run
    try:
        with page_file(args) as write_page, progress(command.name) as line:
            args.confirm = confirming(line.hide)
            args.show_plan = showing(line.hide)
            if command.needs_target:
                found = write_page(_ask(command, program(), args))
            else:
                found = command.run(None, args, line.say)
    except (TargetError, CommandError) as error:
        raise HostedError(str(error)) from None
    show(command, found, args)
    return found


def _ask(command: Command, prog: Program, args: argparse.Namespace) -> Answer:
    def once() -> Answer:
        return command.run(view_of(prog), args)

    return steady_answer(prog, once) if target_of(prog).changes else once()
