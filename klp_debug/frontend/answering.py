# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs one command on an opened target and prints its answer."""

import argparse

from klp_debug.analysis.view.consistency import steady_answer
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.command.command import Command
from klp_debug.frontend.confirm import confirmation, showing
from klp_debug.frontend.progress import progress
from klp_debug.render.formats import FORMATS
from klp_debug.result.common import Answer
from klp_debug.targets.target import Target


def ask(command: Command, target: Target | None, args: argparse.Namespace) -> Answer:
    """
    Return what a command answers; a long one says so on stderr.

    :param target: None for a command that needs none
    :raises CommandError: if an argument cannot be used
    :raises TargetError: if the target lacks what the command needs, or ran while it was read
    """
    debugger = target.debugger if target is not None else None
    with progress(command.name, debugger) as line:
        args.confirm = confirmation(line.hide)
        args.show_plan = showing(line.hide)

        def once() -> Answer:
            view = KernelView(target) if target is not None else None
            return command.run(view, args, line.say)

        if target is not None and target.changes:
            answer = steady_answer(target.prog, once)
        else:
            answer = once()
    if debugger is not None:
        debugger.check()
    return answer


def show(command: Command, answer: Answer, args: argparse.Namespace) -> None:
    """Print an answer to stdout, in the form that the arguments ask for."""
    names = ("json", *command.formats)
    chosen = next((name for name in names if getattr(args, name)), "text")
    print(FORMATS[chosen].render(answer), flush=True)
