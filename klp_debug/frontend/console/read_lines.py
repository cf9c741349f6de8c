# SPDX-License-Identifier: GPL-2.0-or-later
"""Takes lines from a person at a terminal, or from a script."""

import sys

from prompt_toolkit import PromptSession
from prompt_toolkit.history import FileHistory, History, InMemoryHistory

from klp_debug.control.journal import journal_folder
from klp_debug.frontend.completion.console_completer import ConsoleCompleter
from klp_debug.frontend.console.console import Console
from klp_debug.frontend.console.own_commands import LeaveConsole
from klp_debug.frontend.console.status_line import status_line
from klp_debug.frontend.exit import FINE
from klp_debug.frontend.tell import tell
from klp_debug.targets.target import Target

_PROMPT = "klp-debug> "
_REFRESH = 1.0
"""Seconds between two looks at the time for which the target has been stopped."""


def run_console(target: Target) -> int:
    """Take lines until there are no more; return the exit code."""
    console = Console(target)
    try:
        if sys.stdin.isatty() and sys.stdout.isatty():
            console.names.look()
            return _talk(console)
        return _run_script(console)
    except LeaveConsole:
        return FINE


def _talk(console: Console) -> int:
    session: PromptSession[str] = PromptSession(
        _PROMPT,
        history=_history(),
        completer=ConsoleCompleter(console.parser, console.names),
        complete_while_typing=False,
        bottom_toolbar=lambda: status_line(console.target, console.names),
        refresh_interval=_REFRESH,
    )
    while True:
        try:
            line = session.prompt()
        except KeyboardInterrupt:
            continue
        except EOFError:
            return FINE
        try:
            console.run(line)
        except KeyboardInterrupt:
            print()


def _run_script(console: Console) -> int:
    first = FINE
    try:
        for line in sys.stdin:
            done = console.run(line)
            first = first or done.status
            if done.failed:
                break
    except LeaveConsole:
        pass
    return first


def _history() -> History:
    path = journal_folder().parent / "console-history"
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
    except OSError as error:
        tell(f"{path}: {error.strerror}; the history of this console is not kept")
        return InMemoryHistory()
    return FileHistory(str(path))
