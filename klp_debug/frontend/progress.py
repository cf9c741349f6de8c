# SPDX-License-Identifier: GPL-2.0-or-later
"""Says on stderr what takes long, if it does and if a person is there to read it."""

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.markup import escape as without_markup
from rich.progress import (
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text

from klp_debug.render.terminal import escape
from klp_debug.targets.gdb.session import GdbSession

_PATIENCE = 2.0
"""Seconds that a user waits before wondering."""


class _PauseColumn(ProgressColumn):
    """How long the target has been stopped, if it is."""

    def __init__(self, session: GdbSession) -> None:
        super().__init__()
        self._session = session

    def render(self, task: Task) -> Text:
        seconds = self._session.paused
        return Text("" if seconds is None else f"target stopped for {seconds:.0f} s")


@dataclass(frozen=True, slots=True)
class ProgressLine:
    """The line, for the block that it is about."""

    say: Callable[[str], None]
    """Shows what the block is at."""
    hide: Callable[[], None]
    """Takes the line away for good, to ask a question."""


@contextmanager
def _signals_for_us() -> Iterator[None]:
    """Threads started in the block, and theirs, get no signal: GDB wants them in its own."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def progress(what: str, stopped: GdbSession | None = None) -> Iterator[ProgressLine]:
    """
    Show a line with the elapsed time while the block runs, once it takes over two seconds.

    :param stopped: holds the target stopped: for how long is shown too, and at once
    """
    # GDB puts what is no terminal in the place of sys.stderr, and may have its styles off.
    console = Console(file=sys.__stderr__, stderr=True, color_system=None)
    # Not on a dumb terminal either: nothing can be taken back there.
    if not console.is_interactive:
        yield ProgressLine(lambda at: None, lambda: None)
        return
    display = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
        *([_PauseColumn(stopped)] if stopped else []),
        console=console,
        transient=True,
    )
    task = display.add_task(what, total=None)
    timer = threading.Timer(0 if stopped else _PATIENCE, display.start)
    timer.daemon = True
    with _signals_for_us():
        timer.start()

    def say(at: str) -> None:
        display.update(task, description=f"{what}: {without_markup(escape(at))}")

    def hide() -> None:
        timer.cancel()
        timer.join()
        display.stop()

    try:
        yield ProgressLine(say, hide)
    finally:
        hide()
