# SPDX-License-Identifier: GPL-2.0-or-later
"""What a command is: the same in the shell, in drgn, in GDB and in the console."""

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from klp_debug.analysis.view.find_function import FunctionNotFoundError
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.errors import TargetError
from klp_debug.kernel.livepatch import has_livepatch
from klp_debug.result.common import Answer


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
    run_on: Callable[[KernelView, argparse.Namespace], Answer] | None = None
    run_alone: Callable[[argparse.Namespace, Callable[[str], None]], Answer] | None = None
    """
    Instead of ``run_on``, of a command that needs no target.

    It tells its second argument what it is at, for a line of progress.
    """
    formats: tuple[str, ...] = ()
    """Besides text and JSON, as :data:`klp_debug.render.formats.FORMATS` names them."""
    arguments: tuple[Argument, ...] = ()
    needs_livepatch: bool = True
    """Whether it makes sense only on a kernel with ``CONFIG_LIVEPATCH``."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add the command's own arguments to a parser."""
        for argument in self.arguments:
            parser.add_argument(*argument.names, **argument.settings)

    @property
    def needs_target(self) -> bool:
        """Whether it asks a target; else it runs on no view."""
        return self.run_alone is None

    def run(
        self,
        view: KernelView | None,
        args: argparse.Namespace,
        say: Callable[[str], None] = lambda what: None,
    ) -> Answer:
        """
        Answer the command.

        :param view: of the target; None will do for a command that needs none
        :param say: is told what the command is at
        :raises CommandError: if an argument cannot be used
        :raises TargetError: if the target lacks what the command needs
        """
        if self.run_alone is not None:
            return self.run_alone(args, say)
        if view is None or self.run_on is None:
            raise CommandError(f"{self.name} needs a target")
        if self.needs_livepatch and not has_livepatch(view.prog):
            release = view.target.vmcoreinfo.release
            raise TargetError(f"kernel {release} was built without CONFIG_LIVEPATCH")
        try:
            return self.run_on(view, args)
        except FunctionNotFoundError as error:
            raise CommandError(str(error)) from None
