# SPDX-License-Identifier: GPL-2.0-or-later
"""What only the console can do: let a target run and stop it again."""

import argparse
import time

from klp_debug.command.command import Argument
from klp_debug.errors import CommandError
from klp_debug.frontend.completion.line_parser import OwnCommand
from klp_debug.frontend.completion.target_names import TargetNames
from klp_debug.frontend.tell import tell
from klp_debug.targets.gdb.session import GdbSession
from klp_debug.targets.target import Target
from klp_debug.targets.unrecoverable import tell_unrecoverable


class LeaveConsole(Exception):  # noqa: N818 (no error)
    """The user is done."""


def own_commands(target: Target, names: TargetNames) -> tuple[OwnCommand, ...]:
    """Return the console's own commands, but ``help``."""
    running = _Running(target, names)
    return (
        OwnCommand("stop", "stop the target, if it runs (--gdb)", running.stop),
        OwnCommand("continue", "let the target run, until stop (--gdb)", running.resume),
        OwnCommand(
            "wait",
            "let the target run for a while; one that was stopped is stopped again then",
            running.wait,
            arguments=(
                Argument(
                    ("seconds",),
                    {"metavar": "SECONDS", "nargs": "?", "type": _seconds, "default": 1.0},
                ),
            ),
        ),
        OwnCommand(
            "quit",
            "leave, as Ctrl-D does: a stopped target runs then, unless --leave-stopped",
            _leave,
            aliases=("exit", "q"),
        ),
    )


class _Running:
    def __init__(self, target: Target, names: TargetNames) -> None:
        self._target = target
        self._names = names

    def stop(self, args: argparse.Namespace) -> None:
        """Stop the target; what was known of it is out of date."""
        debugger = self._debugger()
        if debugger.paused is not None:
            tell("the target is stopped already")
            return
        debugger.stop()
        self._names.forget()
        tell("the target is stopped")
        tell_unrecoverable(self._target, tell)

    def resume(self, args: argparse.Namespace) -> None:
        """Let the target run."""
        debugger = self._debugger()
        if debugger.paused is None:
            tell("the target runs already")
        debugger.resume()

    def wait(self, args: argparse.Namespace) -> None:
        """Let the target run for a while."""
        debugger = self._target.debugger
        stopped = debugger is not None and debugger.paused is not None
        if stopped:
            self.resume(args)
        time.sleep(args.seconds)
        self._names.forget()
        if stopped:
            self.stop(args)

    def _debugger(self) -> GdbSession:
        if self._target.debugger is None:
            raise CommandError(
                f"only a target of --gdb is stopped and let run; this is: {self._target.source}"
            )
        return self._target.debugger


def _leave(args: argparse.Namespace) -> None:
    raise LeaveConsole


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 86400:
        raise ValueError
    return value
