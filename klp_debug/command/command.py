# SPDX-License-Identifier: GPL-2.0-or-later
"""What a command is: the same in the shell, in drgn, in GDB and in the console."""

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from klp_debug.analysis.find_function import FunctionNotFoundError
from klp_debug.analysis.kernel_view import KernelView
from klp_debug.kernel.livepatch import has_livepatch
from klp_debug.result.answer import Answer
from klp_debug.target.errors import TargetError


class CommandError(Exception):
    """
    Arguments or input that a command cannot use; the message is one sentence for the user.

    It ends a command with exit code 2.
    """


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument, as :meth:`argparse.ArgumentParser.add_argument` takes it."""

    names: tuple[str, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Command:
    """One command; it returns its answer and never prints."""

    name: str
    summary: str
    """One line, for lists of commands."""
    description: str
    """For the command's own help."""
    run_on: Callable[[KernelView, argparse.Namespace], Answer]
    arguments: tuple[Argument, ...] = ()
    needs_livepatch: bool = True
    """Whether it makes sense only on a kernel with ``CONFIG_LIVEPATCH``."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add the command's own arguments to a parser."""
        for argument in self.arguments:
            parser.add_argument(*argument.names, **argument.settings)

    def run(self, view: KernelView, args: argparse.Namespace) -> Answer:
        """
        Answer the command.

        :raises CommandError: if an argument cannot be used
        :raises TargetError: if the target lacks what the command needs
        """
        if self.needs_livepatch and not has_livepatch(view.prog):
            release = view.target.vmcoreinfo.release
            raise TargetError(f"kernel {release} was built without CONFIG_LIVEPATCH")
        try:
            return self.run_on(view, args)
        except FunctionNotFoundError as error:
            raise CommandError(str(error)) from None
