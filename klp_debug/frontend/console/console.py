# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs lines, one after the other, on one target."""

import argparse
import contextlib
from dataclasses import dataclass

from klp_debug.boundary import one_sentence
from klp_debug.command import COMMANDS
from klp_debug.command.command import Argument
from klp_debug.errors import CommandError, TargetError
from klp_debug.frontend.completion.line_parser import HelpShown, LineParser, OwnCommand
from klp_debug.frontend.completion.target_names import TargetNames
from klp_debug.frontend.console.own_commands import LeaveConsole, own_commands
from klp_debug.frontend.exit import FINDINGS, FINE, UNUSABLE
from klp_debug.frontend.run import FrontDoor, run
from klp_debug.frontend.tell import tell
from klp_debug.result.control import Change
from klp_debug.targets.target import Target


@dataclass(frozen=True, slots=True)
class Done:
    """How a line ended."""

    status: int
    """As the exit code of the shell's command."""
    failed: bool
    """Whether what it was to do is not done; findings are no failure of that kind."""


class Console:
    """A target and the lines that are given to it."""

    def __init__(self, target: Target) -> None:
        """Take an opened target."""
        self.target = target
        self.names = TargetNames(target)
        self._door = FrontDoor(opened=lambda: contextlib.nullcontext(target))
        self.parser = LineParser(
            COMMANDS,
            (
                OwnCommand(
                    name="help",
                    summary="list the commands, or show the help of one",
                    run=self._help,
                    aliases=("?",),
                    arguments=(Argument(("command",), {"metavar": "COMMAND", "nargs": "?"}),),
                ),
                *own_commands(target, self.names),
            ),
        )

    def run(self, line: str) -> Done:
        """
        Run a line and print its answer. An empty line does nothing, whatever came before it.

        :raises LeaveConsole: if it says so
        """
        try:
            return self._run(line)
        except HelpShown as help_:
            print(help_, end="")
            return Done(FINE, failed=False)
        except (CommandError, TargetError) as error:
            tell(str(error))
            return Done(UNUSABLE, failed=True)

    def _run(self, line: str) -> Done:
        parsed = self.parser.parse(line)
        if parsed is None:
            return Done(FINE, failed=False)
        command, args = parsed
        if isinstance(command, OwnCommand):
            with one_sentence(f"{command.name} cannot be done", passed=(LeaveConsole,)):
                command.run(args)
            return Done(FINE, failed=False)
        answer = run(command, args, self._door)
        if isinstance(answer, Change):
            with contextlib.suppress(TargetError):
                self.names.look()
        return Done(
            FINE if answer.clean else FINDINGS,
            failed=isinstance(answer, Change) and not answer.clean,
        )

    def _help(self, args: argparse.Namespace) -> None:
        print(self.parser.help(args.command), end="")
