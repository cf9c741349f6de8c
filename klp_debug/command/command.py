# SPDX-License-Identifier: GPL-2.0-or-later
"""What a command is: the same in the shell, in drgn, in GDB and in the console."""

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.control.consent import Consent
from klp_debug.errors import CommandError, TargetError
from klp_debug.result.common import Answer
from klp_debug.result.control import Change


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument, as :meth:`argparse.ArgumentParser.add_argument` takes it."""

    names: tuple[str, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """
    One command; it returns its answer and never prints.

    Exactly one of ``run_on``, ``run_change`` and ``run_alone`` is given.
    """

    name: str
    summary: str
    """One line, for lists of commands."""
    description: str
    """For the command's own help."""
    run_on: Callable[[KernelView, argparse.Namespace], Answer] | None = None
    """Of a command that reads its target."""
    run_change: Callable[[KernelView, argparse.Namespace, Consent], Change] | None = None
    """Of a command that writes to its target."""
    run_alone: (
        Callable[
            [argparse.Namespace, Callable[[str], None], Callable[[Answer], None] | None], Answer
        ]
        | None
    ) = None
    """
    Of a command that needs no target.

    It tells its second argument what it is at, for a line of progress, and gives its third, unless
    that is None, each part of a long answer when it is done; the answer that it returns prints as
    the rest then.
    """
    page_path: Callable[[argparse.Namespace], Path | None] = lambda args: None
    """
    Returns the file to which the answer is to be written as a page; None if to none.

    Where it returns one, the answer is a :class:`~klp_debug.result.page.ReportPage`.
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

    @property
    def writes(self) -> bool:
        """Whether it writes to its target."""
        return self.run_change is not None

    def check_kernel(self, view: KernelView) -> None:
        """
        See that the kernel is one that the command makes sense on.

        :raises TargetError: if it is not
        """
        release = view.target.vmcoreinfo.release
        if view.has_livepatch and not view.has_livepatch_types:
            raise TargetError(
                f"the debugging information of kernel {release} has no struct klp_patch, though the"
                " kernel has livepatch: it is reduced, or a part of it is not there"
            )
        if self.needs_livepatch and not view.has_livepatch:
            raise TargetError(f"kernel {release} was built without CONFIG_LIVEPATCH")

    def run(
        self,
        view: KernelView | None,
        args: argparse.Namespace,
        consent: Consent,
        say: Callable[[str], None] = lambda what: None,
        show: Callable[[Answer], None] | None = None,
    ) -> Answer:
        """
        Answer the command.

        :param view: of the target; None will do for a command that needs none
        :param consent: by which the user agrees to what the command writes, if it writes
        :param say: is told what the command is at
        :param show: is given parts of a long answer when they are done; None if only the whole
            is wanted
        :raises CommandError: if an argument cannot be used
        :raises TargetError: if the target lacks what the command needs
        """
        if self.run_alone is not None:
            return self.run_alone(args, say, show)
        if view is None:
            raise CommandError(f"{self.name} needs a target")
        self.check_kernel(view)
        if self.run_change is not None:
            return self.run_change(view, args, consent)
        assert self.run_on is not None
        return self.run_on(view, args)
