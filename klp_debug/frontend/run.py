# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs one command and prints its answer: the same way in the shell, the console, drgn and GDB."""

import argparse
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from klp_debug.analysis.view.consistency import steady_answer
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.boundary import one_sentence
from klp_debug.command.command import Command
from klp_debug.control.consent import Consent
from klp_debug.frontend.debugging import traceback_shown
from klp_debug.frontend.page_file import page_file
from klp_debug.frontend.progress import ProgressLine, progress
from klp_debug.frontend.terminal_consent import terminal_consent
from klp_debug.render.formats import FORMATS
from klp_debug.result.common import Answer
from klp_debug.targets.target import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontDoor:
    """What differs between the front doors."""

    opened: Callable[[], AbstractContextManager[Target]]
    """Opens the target for one command, and leaves it; not called for one that needs none."""
    view: Callable[[Target], KernelView] = KernelView
    """Returns a view for one answer: a new one, or one that is kept while the target stands."""
    consent: Callable[[Callable[[], None]], Consent] = terminal_consent
    """Returns how the user is asked; its argument clears the terminal of what else is shown."""


def run(command: Command, args: argparse.Namespace, door: FrontDoor) -> Answer:
    """
    Run a command, print its answer to stdout and return it.

    What takes long says so on stderr.

    :param args: as the parser of :mod:`klp_debug.frontend.command_parsers` returns them
    :raises CommandError: if an argument cannot be used
    :raises TargetError: if the target lacks what the command needs, or ran while it was read;
        or if a library failed
    """
    with traceback_shown(args.debug), one_sentence(f"{command.name} cannot be answered"):
        return _run(command, args, door)


def _run(command: Command, args: argparse.Namespace, door: FrontDoor) -> Answer:
    with page_file(command.page_path(args)) as write_page:
        if command.needs_target:
            with door.opened() as target:
                answer = write_page(_answer(command, args, door, target))
        else:
            answer = write_page(_answer(command, args, door, None))
    print(FORMATS[args.format].render(answer), flush=True)
    return answer


def _answer(
    command: Command, args: argparse.Namespace, door: FrontDoor, target: Target | None
) -> Answer:
    debugger = target.debugger if target is not None else None
    with progress(command.name, debugger) as line:
        consent = door.consent(line.hide)

        show = _shown(args.format, line) if target is None else None

        def once() -> Answer:
            view = door.view(target) if target is not None else None
            return command.run(view, args, consent, line.say, show)

        if target is not None and target.changes:
            answer = steady_answer(target.prog, once)
        else:
            answer = once()
    if debugger is not None:
        debugger.check()
    return answer


def _shown(form: str, line: ProgressLine) -> Callable[[Answer], None] | None:
    """Return what prints a part of an answer; None for a form that is a whole document."""
    if form != "text":
        return None
    # The line of progress may put itself in the place of sys.stdout.
    out = sys.stdout

    def show(part: Answer) -> None:
        if out.isatty():
            line.hide()
        print(FORMATS[form].render(part), file=out, flush=True)

    return show
