# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs one command on an opened target and prints its answer."""

import argparse

from klp_debug.analysis.kernel_view import KernelView
from klp_debug.analysis.steady import steady_answer
from klp_debug.command.command import Command
from klp_debug.frontend.confirm import confirmation
from klp_debug.frontend.progress import progress
from klp_debug.render.as_json import as_json
from klp_debug.render.as_text import as_text
from klp_debug.result.answer import Answer
from klp_debug.target.target import Target


def ask(command: Command, target: Target, args: argparse.Namespace) -> Answer:
    """
    Return what a command answers; a long one says so on stderr.

    :raises CommandError: if an argument cannot be used
    :raises TargetError: if the target lacks what the command needs, or ran while it was read
    """
    with progress(command.name, target.debugger) as hide_progress:
        args.confirm = confirmation(hide_progress)

        def once() -> Answer:
            return command.run(KernelView(target), args)

        answer = steady_answer(target.prog, once) if target.changes else once()
    if target.debugger is not None:
        target.debugger.check()
    return answer


def show(answer: Answer, *, json: bool) -> None:
    """Print an answer to stdout."""
    print(as_json(answer) if json else as_text(answer), flush=True)
