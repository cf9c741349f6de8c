# SPDX-License-Identifier: GPL-2.0-or-later
"""Says on stderr what takes long, if it does and if a person is there to read it."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape as without_markup
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from klp_debug.render.terminal import escape

_PATIENCE = 2.0
"""Seconds that a user waits before wondering."""


@contextmanager
def progress(what: str) -> Iterator[Callable[[str], None]]:
    """
    Show a line with the elapsed time while the block runs, once it takes over two seconds.

    The block may say what it is at, by calling what it is given.
    """
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda at: None
        return
    display = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    )
    task = display.add_task(what, total=None)
    timer = threading.Timer(_PATIENCE, display.start)
    timer.daemon = True
    timer.start()
    try:
        yield lambda at: display.update(task, description=f"{what}: {without_markup(escape(at))}")
    finally:
        timer.cancel()
        timer.join()
        display.stop()
