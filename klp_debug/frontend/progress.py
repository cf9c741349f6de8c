# SPDX-License-Identifier: GPL-2.0-or-later
"""Says on stderr what takes long, if it does and if a person is there to read it."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text

from klp_debug.target.gdb.session import GdbSession

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


@contextmanager
def progress(what: str, stopped: GdbSession | None = None) -> Iterator[Callable[[], None]]:
    """
    Show a line with the elapsed time while the block runs, once it takes over two seconds.

    The block gets what takes the line away for good, to ask a question.

    :param stopped: holds the target stopped: for how long is shown too, and at once
    """
    console = Console(stderr=True)
    # Not on a dumb terminal either: nothing can be taken back there.
    if not console.is_interactive:
        yield lambda: None
        return
    display = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
        *([_PauseColumn(stopped)] if stopped else []),
        console=console,
        transient=True,
    )
    display.add_task(what, total=None)
    timer = threading.Timer(0 if stopped else _PATIENCE, display.start)
    timer.daemon = True
    timer.start()

    def stop() -> None:
        timer.cancel()
        timer.join()
        display.stop()

    try:
        yield stop
    finally:
        stop()
